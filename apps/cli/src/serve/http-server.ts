/** The sockets of the server: limits of heads and time, requests that are no HTTP, and an orderly end. */
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { isLoopback } from './access.ts';
import { ApiError } from './api-error.ts';
import type { ServerMetrics } from './server-metrics.ts';

/** The server cannot listen where it was told to. */
export class ListenError extends Error {
  readonly code: string = 'listen';
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly fetch: (request: Request, env: HttpBindings) => Response | Promise<Response>;
  readonly metrics: Pick<ServerMetrics, 'onRequest' | 'onRefused'>;
  /** Milliseconds that the head and the whole of a request may take. Defaults 10 s and 60 s. */
  readonly headTimeout?: number;
  readonly requestTimeout?: number;
}

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Whether only this machine can reach it. */
  readonly isLocal: boolean;
  /** Takes no more connections; resolves when the last answer has ended. */
  close(): Promise<void>;
}

/** Bytes of all headers of a request. */
const HEAD_BYTES = 16 * 1024;
const CONNECTIONS = 1024;
/** Time for a client to read why it was refused. */
const LINGER = 500;

/** Throws ListenError. */
export async function listen({
  host,
  port,
  fetch,
  metrics,
  headTimeout = 10_000,
  requestTimeout = 60_000,
}: HttpServerOptions): Promise<HttpServer> {
  const handle = getRequestListener((request, env) => fetch(request, env as HttpBindings), {
    overrideGlobalObjects: false,
    // A URL or a host that is none; all else is answered by `fetch`.
    errorHandler: (error) =>
      new ApiError(400, `the request is not valid HTTP: ${error instanceof Error ? error.message : error}`, {
        code: 'invalid_request',
      }).response(),
  });
  const server = createServer({
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: Math.min(headTimeout, requestTimeout),
    requestTimeout,
    connectionsCheckingInterval: Math.ceil(Math.min(1000, headTimeout / 4, requestTimeout / 4)),
    requireHostHeader: false, // the answer would have no body
  });
  server.maxConnections = CONNECTIONS;
  const answers = new WeakMap<object, ServerResponse>();
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    answers.set(incoming.socket, outgoing);
    metrics.onRequest(incoming, outgoing);
    if (isClosing) outgoing.setHeader('connection', 'close');
  };
  let isClosing = false;
  server.on('request', (incoming, outgoing) => {
    take(incoming, outgoing);
    void handle(incoming, outgoing);
  });
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    take(incoming, outgoing);
    const { status, body } = new ApiError(417, 'the server expects nothing but 100-continue', {
      code: 'expectation_failed',
    });
    const text = JSON.stringify(body);
    outgoing.writeHead(status, { ...headersOf(text), connection: 'close' });
    outgoing.end(text);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isAnswered = answers.get(socket)?.headersSent === true;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) return void socket.destroy();
    const refusal = refusalOf(error);
    metrics.onRefused(refusal.status);
    refuse(socket as Socket, refusal);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    port: address.port,
    url: `http://${name}:${address.port}`,
    isLocal: isLoopback(address.address),
    close: () =>
      new Promise((resolve) => {
        isClosing = true;
        // Connections that were kept for a next request, also those whose answer ends only now.
        const sweep = setInterval(() => server.closeIdleConnections(), 100);
        server.close(() => {
          clearInterval(sweep);
          resolve();
        });
      }),
  };
}

function refusalOf({ code, message }: NodeJS.ErrnoException): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ApiError(431, `the headers may have ${HEAD_BYTES} bytes`, { code: 'headers_too_large' });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError(408, 'the request did not come in time', { code: 'request_timeout' });
  const reason = message.replace(/^Parse Error: /, '');
  return new ApiError(400, `the request is not valid HTTP: ${reason}`, { code: 'invalid_request' });
}

function refuse(socket: Socket, { status, body }: ApiError): void {
  const text = JSON.stringify(body);
  const headers = Object.entries({ ...headersOf(text), connection: 'close' });
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers.map((pair) => pair.join(': '))];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
  // What still comes is read and forgotten: a reset would take the answer away from the client.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER).unref();
}

const headersOf = (json: string) => ({
  'content-type': 'application/json',
  'content-length': String(Buffer.byteLength(json)),
});

function listenError({ code, message }: NodeJS.ErrnoException, host: string, port: number): ListenError {
  const what: Record<string, string> = {
    EADDRINUSE: `port ${port} of ${host} is in use; choose another with --port, or 0 for a free one`,
    EACCES: `port ${port} needs rights that this user has not; choose one from 1024 on with --port`,
    EADDRNOTAVAIL: `${host} is no address of this machine; choose another with --host`,
    ENOTFOUND: `${host} is no address of this machine; choose another with --host`,
  };
  return new ListenError(`[serve] ${what[code ?? ''] ?? `cannot listen on ${host}:${port}: ${message}`}`);
}
