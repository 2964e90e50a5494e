/** Decompression by Node's zlib: gzip (also of several members) and brotli. */
import { Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import type { Decompress, Decompressors } from '../text/compression.ts';

/** Pass as `decompress` to `readDocuments` to read brotli from bytes and streams in Node. */
export const nodeDecompressors: Required<Decompressors> = {
  gzip: through(createGunzip),
  brotli: through(createBrotliDecompress),
};

function through(create: () => Transform): Decompress {
  return async function* decompress(compressed) {
    const input = Readable.from(compressed, { objectMode: false });
    const output = create();
    input.on('error', (error) => output.destroy(error));
    input.pipe(output);
    try {
      for await (const chunk of output) yield chunk as Uint8Array;
    } finally {
      input.destroy();
      output.destroy();
    }
  };
}
