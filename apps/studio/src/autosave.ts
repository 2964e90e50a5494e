/**
 * The newest checkpoint of a run in IndexedDB: one record, replaced in one transaction, so that a page that is closed
 * while it saves keeps the one before.
 */
import {
  bytesReader,
  memorySink,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '@qsparse/formats';
import type { CheckpointStore, TrainingState } from '@qsparse/training';

export interface Autosave extends CheckpointStore {
  /** Deletes what is kept. */
  clear(): Promise<void>;
}

interface Kept {
  readonly state: TrainingState;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly moments: Uint8Array<ArrayBuffer>;
}

const STORE = 'checkpoints';
const NEWEST = 'newest';

/** Opened at the first use; what the browser refuses (a full disk, private windows) rejects with its reason. */
export function autosave(database: string): Autosave {
  let opening: Promise<IDBDatabase> | undefined;
  const open = (): Promise<IDBDatabase> => {
    opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return opening;
  };
  const inTransaction = async <T>(
    mode: IDBTransactionMode,
    use: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const transaction = (await open()).transaction(STORE, mode);
    const request = use(transaction.objectStore(STORE));
    return await new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  };
  return {
    async save({ state, weights, moments }) {
      const kept: Kept = { state, weights: await packed(weights), moments: await packed(moments) };
      await inTransaction('readwrite', (store) => store.put(kept, NEWEST));
    },
    async latest() {
      const kept = await inTransaction<Kept | undefined>('readonly', (store) => store.get(NEWEST));
      if (!kept) return undefined;
      const [weights, moments] = await Promise.all(
        [kept.weights, kept.moments].map((bytes) => openSafetensors(bytesReader(bytes, 'autosave'))),
      );
      const name = `the autosave of step ${kept.state.step}`;
      return { name, state: kept.state, weights: weights!, moments: moments!, close: async () => {} };
    },
    async clear() {
      await inTransaction('readwrite', (store) => store.delete(NEWEST));
    },
  };
}

async function packed(tensors: readonly TensorToWrite[]): Promise<Uint8Array<ArrayBuffer>> {
  const sink = memorySink();
  await writeSafetensors(sink, tensors);
  return sink.bytes();
}
