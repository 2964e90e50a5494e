import { bytesReader } from '@qsparse/formats';
import { ggufToFloat32, openGguf } from '@qsparse/formats/gguf';
import { openFileReader, writeFileAtomic } from '@qsparse/formats/node';
import { expect, test } from 'vitest';
import { failure } from '../helpers/outcome.ts';
import { smallGguf } from '../helpers/small-gguf.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

test('a file on disk: each tensor when it is asked for, then the reader is closed', async () => {
  const path = `${temporaryFolder()}/small.gguf`;
  const bytes = await smallGguf();
  await writeFileAtomic(path, (sink) => sink.write(bytes));
  const file = await openGguf(await openFileReader(path));
  expect(file.name).toBe(path);
  const expected = Float32Array.from({ length: 256 }, (_, i) => (i % 3) - 1);
  for (const type of ['F32', 'F16', 'BF16', 'TQ1_0', 'TQ2_0']) {
    expect(ggufToFloat32(await file.read(`blk.0.${type}.weight`))).toEqual(expected);
  }
  await file.close();
  await failure(() => file.read('scalar'));
});

test('a tensor that is not there, with the nearest name; a reader that breaks; an abort', async () => {
  const reader = bytesReader(await smallGguf());
  const file = await openGguf({ ...reader, name: 'm.gguf' });
  const error = await failure(() => file.read('blk.0.F23.weight'), 'missing-tensor');
  expect(error.message).toMatch(
    /^\[gguf\] m\.gguf: tensor "blk\.0\.F23\.weight" is required.*did you mean "blk\.0\.F32/,
  );
  await failure(() => file.read('__proto__'), 'missing-tensor');
  await expect(file.read('scalar', AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  let fails = false;
  const short = await openGguf({
    ...reader,
    read: async (offset, length) => (fails ? new Uint8Array(1) : reader.read(offset, length)),
  });
  fails = true;
  await failure(() => short.read('scalar'), 'truncated');
});
