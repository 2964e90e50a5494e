/** Who may use the server: a bearer key, and on a loopback address the names that mean this machine. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError } from './api-error.ts';

/** Throws ApiError 401. The time it takes says nothing of the key: digests of one length are compared. */
export function createKeyCheck(key: string): (request: Request) => void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(key);
  return (request) => {
    const header = request.headers.get('authorization') ?? '';
    const [, given] = /^Bearer +(\S+) *$/i.exec(header) ?? [];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
    const what = header === '' ? 'a key is needed' : 'the key is not the one of this server';
    throw new ApiError(401, `${what}; send it as Authorization: Bearer KEY`, {
      code: 'invalid_api_key',
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

/**
 * Throws ApiError 403 where a server for this machine alone is called by another name: a web page whose name was made to
 * mean 127.0.0.1 (DNS rebinding) would otherwise be let in as its own origin.
 */
export function requireLocalName(request: Request): void {
  const name = new URL(request.url).hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(name)) return;
  throw new ApiError(
    403,
    `the host ${JSON.stringify(name)} is not this machine; use 127.0.0.1 or localhost, or a server with a key`,
    {
      code: 'host_not_allowed',
    },
  );
}

/** Of a name or an address. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost');
}
