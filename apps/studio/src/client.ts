/** The session of a worker, with the interface of the one in this thread. */
import { type Connection, connectWorker } from 'qsparse/worker';
import type { Session } from './session.ts';

export type RemoteSession = Session & Connection & { terminate(): void };

export function startSession(): RemoteSession {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const session = connectWorker<Session>(worker, {
    open: 'stream',
    train: 'stream',
    stop: 'call',
    forget: 'call',
    generate: 'stream',
    close: 'call',
  });
  return Object.assign(session, {
    terminate() {
      session.disconnect();
      worker.terminate();
    },
  });
}
