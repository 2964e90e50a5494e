/** What goes between a page and its worker. Plain data; streams are pulled, so that a slow reader stops a fast writer. */
import { QSparseError } from '@qsparse/core';

/** A Worker, a MessagePort, or a worker's own global scope. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Of a MessagePort: begins to deliver. */
  start?(): void;
}

/** Marks our messages among others of the same port. */
export const CHANNEL = 'qsparse';

export type Request = { readonly channel: typeof CHANNEL; readonly id: number } & (
  | { readonly kind: 'call'; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: 'next' }
  | { readonly kind: 'return' }
);

export type Reply = { readonly channel: typeof CHANNEL; readonly id: number } & (
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'stream' }
  | { readonly kind: 'item'; readonly value: unknown; readonly done: boolean }
  | { readonly kind: 'error'; readonly error: SentError }
);

/** An error as data: structured clone would lose our fields. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: undefined, fields: {} };
  const fields = Object.fromEntries(
    Object.entries(error).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  );
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** A QSparseError where one was sent, with the name and the fields of its class; else an Error. */
export function receiveError({ name, message, stack, fields }: SentError): Error {
  const ours = typeof fields.code === 'string' && typeof fields.where === 'string';
  const error = ours ? (Object.create(QSparseError.prototype) as Error) : new Error(message);
  for (const [key, value] of Object.entries({ message, name, stack }))
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  return Object.assign(error, fields);
}

export function isOurs(data: unknown): data is { readonly id: number } {
  return typeof data === 'object' && data !== null && 'channel' in data && data.channel === CHANNEL;
}
