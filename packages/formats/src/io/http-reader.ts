// Reads a file on a web server by range requests, so that opening a checkpoint of many gigabytes costs its header.
// It never downloads more than was asked for, and notices when the file changes between two requests.
import { show, showName } from '../display.ts';
import { FormatError } from '../errors.ts';
import { allocateBytes, type ByteReader, requireRange } from './byte-reader.ts';

export interface HttpReaderOptions {
  /** Sent with every request, such as `authorization`. Never shown in messages. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Another implementation of fetch, for tests and proxies. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  readonly signal?: AbortSignal;
}

/**
 * Asks the server for the file's size and returns a reader over it.
 * @param url http or https; in a page also relative to it. Its query stays out of messages.
 * @throws FormatError `io` when there is no answer, the answer is an error, or the server ignores ranges.
 */
export async function httpReader(url: string | URL, options: HttpReaderOptions = {}): Promise<ByteReader> {
  const address = parseAddress(url);
  const name = address.origin + address.pathname;
  const send = options.fetch ?? ((target: string, init: RequestInit) => fetch(target, init));

  function failure(problem: string, cause?: unknown): FormatError {
    return new FormatError('io', `[http] ${showName(name)}: ${problem}`, { file: name, cause });
  }

  async function request(method: 'GET' | 'HEAD', range: string | undefined, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const init: RequestInit = {
      method,
      // A compressed answer would count other bytes. Browsers see to this themselves and drop the header.
      headers: {
        ...options.headers,
        'accept-encoding': 'identity',
        ...(range === undefined ? {} : { range }),
      },
      ...(signal === undefined ? {} : { signal }),
    };
    try {
      return await send(address.href, init);
    } catch (cause) {
      signal?.throwIfAborted();
      throw failure(
        'no answer; check address and network, and for a page that the server allows its origin',
        cause,
      );
    }
  }

  async function findSize(first: Response): Promise<number> {
    const total = /\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1];
    if (total !== undefined) return Number(total);
    // Across origins Content-Range is often hidden, Content-Length never is.
    const whole = await request('HEAD', undefined, options.signal);
    const length = whole.headers.get('content-length');
    if (!whole.ok || length === null || !/^\d+$/.test(length)) {
      throw failure('the server does not tell the size; download the file and open it from disk');
    }
    return Number(length);
  }

  const probe = await request('GET', 'bytes=0-0', options.signal);
  await probe.body?.cancel();
  const contentRange = probe.headers.get('content-range') ?? '';
  const isEmpty =
    (probe.status === 416 && contentRange.endsWith('*/0')) ||
    (probe.status === 200 && probe.headers.get('content-length') === '0');
  if (!isEmpty && probe.status !== 206) throw failure(describeStatus(probe));
  const size = isEmpty ? 0 : await findSize(probe);
  if (!Number.isSafeInteger(size)) throw failure(`a size below 2^53 is required, got ${size}`);
  const version = probe.headers.get('etag');

  return {
    name,
    size,
    async read(offset, length, signal = options.signal) {
      requireRange(name, size, offset, length);
      const bytes = allocateBytes(name, length);
      if (length === 0) return bytes;
      const response = await request('GET', `bytes=${offset}-${offset + length - 1}`, signal);
      const problem = describeMismatch(response, offset, version);
      if (problem !== undefined) {
        await response.body?.cancel();
        throw failure(problem);
      }
      try {
        const got = await fill(bytes, response);
        if (got === length) return bytes;
        throw failure(
          `${length} bytes at ${offset} are required, got ${got > length ? 'more' : got}; try again`,
        );
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof FormatError) throw cause;
        throw failure(`the connection broke while ${length} bytes at ${offset} were read; try again`, cause);
      }
    },
  };
}

function parseAddress(url: string | URL): URL {
  const base = typeof location === 'undefined' ? undefined : location.href;
  const address = URL.canParse(String(url), base) ? new URL(String(url), base) : undefined;
  if (address !== undefined && (address.username !== '' || address.password !== '')) {
    const name = showName(address.origin + address.pathname);
    throw new FormatError(
      'io',
      `[http] ${name}: no name and password may stand in it; pass an authorization header`,
    );
  }
  if (address?.protocol === 'https:' || address?.protocol === 'http:') return address;
  throw new FormatError(
    'io',
    `[http] an http or https address is required, got ${show(String(url))}; correct it`,
  );
}

function describeStatus(response: Response): string {
  const { status } = response;
  if (status === 200)
    return 'the server ignores range requests; download the file and open it from disk or memory';
  if (status === 401 || status === 403)
    return `access is denied (status ${status}); pass an authorization header`;
  if (status === 404 || status === 410) return `there is no such file (status ${status}); check the address`;
  return `a part of the file was required, got status ${status}; try again later`;
}

/** Undefined when the answer is the range that was asked for, of the same file as before. */
function describeMismatch(response: Response, offset: number, version: string | null): string | undefined {
  if (response.status !== 206) return describeStatus(response);
  const encoding = response.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity')
    return `an uncompressed answer is required, got ${show(encoding)}`;
  const etag = response.headers.get('etag');
  if (version !== null && etag !== null && etag !== version)
    return 'the file changed on the server; open it again';
  const range = response.headers.get('content-range');
  if (range !== null && !range.startsWith(`bytes ${offset}-`)) {
    return `a range from byte ${offset} is required, got ${show(range)}`;
  }
  return undefined;
}

/** Fills the bytes from the body; returns how many came, and stops as soon as there are too many. */
async function fill(bytes: Uint8Array, response: Response): Promise<number> {
  const body = response.body?.getReader();
  let at = 0;
  while (body !== undefined) {
    const { done, value } = await body.read();
    if (done) break;
    if (at + value.byteLength > bytes.byteLength) {
      await body.cancel();
      return at + value.byteLength;
    }
    bytes.set(value, at);
    at += value.byteLength;
  }
  return at;
}
