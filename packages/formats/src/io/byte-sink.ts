// Where bytes go, one piece after the other. A file, a stream, OPFS: each is a `write` away.

export interface ByteSink {
  /** Appends the bytes. They belong to the caller again when the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Writes one named file of a group: shards, or a checkpoint's parts. Resolves when the file is complete. */
export type WriteFile = (fileName: string, write: (sink: ByteSink) => Promise<void>) => Promise<void>;

export interface MemorySink extends ByteSink {
  /** Everything written so far, in one piece. */
  bytes(): Uint8Array<ArrayBuffer>;
}

/** A sink that keeps copies of everything in memory, for small files, downloads and tests. */
export function memorySink(): MemorySink {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  return {
    async write(bytes) {
      pieces.push(new Uint8Array(bytes));
      length += bytes.byteLength;
    },
    bytes() {
      const whole = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.byteLength;
      }
      return whole;
    },
  };
}

// Large enough to keep a disk busy, small enough to stop soon when a signal aborts.
const PIECE_BYTES = 16 * 2 ** 20;

/** Writes in pieces of 16 MiB, so that an AbortSignal is heard and no system call meets its 2 GiB limit. */
export async function writeInPieces(sink: ByteSink, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    signal?.throwIfAborted();
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    // Streams and blobs refuse memory that is shared between threads.
    await sink.write(piece.buffer instanceof ArrayBuffer ? piece : new Uint8Array(piece));
  }
}
