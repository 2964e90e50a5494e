import { argumentBytes, startRuntime } from '@qsparse/backend-cpu/runtime';
import { expect, test } from 'vitest';

test('memory grows in place: old contents stay, workers reach the new bytes', async () => {
  const runtime = await startRuntime({ threads: 2 });
  const { heapStart: start } = runtime;
  expect(start % 64).toBe(0);
  runtime.growTo(start + 4096);
  runtime.views.f32[start / 4] = 42;
  const before = runtime.views;

  const count = 1 << 20;
  const out = start + (16 << 20);
  runtime.growTo(out + 4 * count);
  expect(runtime.views).not.toBe(before);
  expect(runtime.views.u8.length).toBeGreaterThanOrEqual(out + 4 * count);
  expect(runtime.views.f32[start / 4]).toBe(42);
  before.f32[start / 4] = 43; // old views still are the same memory
  expect(runtime.views.f32[start / 4]).toBe(43);

  runtime.writeArguments('fill', start, { out, count, value: 3 });
  runtime.launch(runtime.kernels.fill, start);
  const filled = runtime.views.f32.subarray(out / 4, out / 4 + count);
  expect(filled.every((x) => x === 3)).toBe(true);
  runtime.dispose();
});

test('growing to what is there changes nothing, growing beyond 4 GiB is a typed error', async () => {
  const runtime = await startRuntime({ threads: 1 });
  const { views } = runtime;
  runtime.growTo(1);
  expect(runtime.views).toBe(views);
  expect(() => runtime.growTo(2 ** 32 + 1)).toThrow(/4097 MiB are needed.*at most/);
  expect(() => runtime.growTo(2 ** 32 + 1)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
  expect(runtime.views).toBe(views);
  runtime.dispose();
});

test('argument blocks: words in the order of the C struct, addresses above 2 GiB as unsigned', async () => {
  const runtime = await startRuntime({ threads: 1 });
  const at = runtime.heapStart;
  runtime.growTo(at + 64);
  expect(argumentBytes.fill).toBe(12);
  expect(runtime.writeArguments('fill', at, { out: 0xfffffff0, count: 5, value: 0.5 })).toBe(at + 12);
  const { i32, f32 } = runtime.views;
  expect([i32[at / 4]! >>> 0, i32[at / 4 + 1], f32[at / 4 + 2]]).toEqual([0xfffffff0, 5, 0.5]);
  runtime.dispose();
});
