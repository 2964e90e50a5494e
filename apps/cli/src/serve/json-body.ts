/** The body of a request as a JSON object, within bounds of size, nesting and encoding. What fields mean is not here. */
import { ApiError } from './api-error.ts';

/** Deeper than any request, and far from what would overflow the stack of a function that walks it. */
const DEEPEST = 64;

/** Throws ApiError 400, 413 or 415. @param limit bytes */
export async function readJsonBody(request: Request, limit: number): Promise<Record<string, unknown>> {
  // Also what keeps web pages out: a browser asks before it sends this type to another origin.
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json')
    throw new ApiError(415, `the content type must be application/json, got ${type || 'none'}`, {
      code: 'unsupported_media_type',
    });
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw new ApiError(415, `content-encoding ${encoding} is not taken; send plain JSON`, {
      code: 'unsupported_encoding',
    });
  const text = decode(await readBytes(request, limit));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiError(400, `the body is not JSON: ${reason}`, { code: 'invalid_json' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiError(400, 'the body must be a JSON object', { code: 'invalid_json' });
  requireShallow(value);
  return value as Record<string, unknown>;
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new ApiError(413, `the body may have ${limit} bytes; send fewer prompts or shorter ones`, {
      code: 'body_too_large',
    });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Not cancelled where it is too long: that would end the connection before it is told so.
  const reader = (request.body as ReadableStream<Uint8Array> | null)?.getReader();
  for (;;) {
    const { value, done } = reader ? await readNext(reader) : { value: undefined, done: true };
    if (done || !value) break;
    length += value.length;
    if (length > limit) throw tooLarge();
    chunks.push(value);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

async function readNext(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ApiError(400, 'the body ended before it was complete', { code: 'incomplete_body', cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, 'the body is not UTF-8', { code: 'invalid_json' });
  }
}

/** Level by level: a recursive walk is what this is to prevent. */
function requireShallow(root: object): void {
  let level: object[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEEPEST)
      throw new ApiError(400, `the body is nested deeper than ${DEEPEST} levels`, { code: 'invalid_json' });
    level = level.flatMap((value) =>
      Object.values(value).filter((item): item is object => typeof item === 'object' && item !== null),
    );
  }
}
