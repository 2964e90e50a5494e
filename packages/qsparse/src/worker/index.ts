/** An object in a worker, used as if it were here: `serve` there, `connectWorker` here, one interface for both. */
export { type Connection, connect, connectWorker, type Kinds } from './connect.ts';
export type { Port } from './messages.ts';
export { type Served, serve } from './serve.ts';
