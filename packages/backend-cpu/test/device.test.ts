import { type CpuDevice, type CpuProgram, cpuDevice } from '@qsparse/backend-cpu';
import {
  attention,
  attentionBackwardOp,
  backward,
  capture,
  cast,
  DisposedError,
  matmul,
  OutOfMemoryError,
  type Param,
  paramArena,
  rmsNorm,
  rows,
  run,
  scale,
  scope,
  slice,
  softmax,
  sum,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { sparsify } from '@qsparse/quantizers';
import { afterEach, expect, test } from 'vitest';

const devices: CpuDevice[] = [];
async function start(...options: Parameters<typeof cpuDevice>): Promise<CpuDevice> {
  const device = await cpuDevice(...options);
  devices.push(device);
  return device;
}
afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

const wave = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i));

/** A little of everything, forward and backward. */
async function everything(device: CpuDevice): Promise<number[]> {
  const arena = paramArena(device, [{ name: 'w', shape: [24, 24] }]);
  write(arena.values, wave(arena.values.size));
  const w = arena.params.get('w') as Param;
  const step = capture(({ x }: { readonly x: Tensor }) => {
    const h = sparsify(matmul(rmsNorm(x, undefined), w, { transposeB: true }), { k: 9, int8: true });
    const heads = scope(() =>
      attention(...([h, h, h].map((t) => cast(t, 'f32')) as [Tensor, Tensor, Tensor])),
    );
    backward(sum(softmax(slice(heads, 3, 1, 20))), [w]);
    return heads;
  });
  const x = tensor(device, wave(2 * 7 * 24), [2, 7, 1, 24]);
  let last = step({ x });
  for (let i = 0; i < 3; i++) last = step({ x });
  const result = [...(await last.data()), ...(await w.grad.data())];
  step.dispose();
  x.dispose();
  arena.dispose();
  return result;
}

test('addresses above 2 GiB give the same bits, and memory goes back to nothing', async () => {
  const [low, high] = [await start({ threads: 2 }), await start({ threads: 2 })];
  const below = high.alloc(2 ** 31 + 4096); // reserved, never touched
  expect(await everything(high)).toEqual(await everything(low));
  high.free(below);
  for (const device of [low, high]) {
    expect(device.memory()).toMatchObject({ live: 0, count: 0, programs: 0 });
  }
});

test('4 GiB are the end: the error says what is in use, and freeing makes room', async () => {
  const device = await start({ threads: 1 });
  const x = tensor(device, [1, 2, 3]);
  const slots = [device.alloc(2 ** 31), device.alloc(2 ** 30)];
  expect(() => device.alloc(2 ** 30)).toThrow(OutOfMemoryError);
  expect(() => device.alloc(2 ** 30)).toThrow(
    /^\[cpu\] no room for 1024\.0 MiB: 3072\.0 MiB in 3 tensors and 0\.0 MiB in captured programs are in use; use a smaller/,
  );
  for (const slot of slots) device.free(slot);
  const all = device.alloc(3.9 * 2 ** 30);
  const last = device.alloc(4096);
  expect(last).toBeGreaterThan(all);
  write(x, [4, 5, 6]);
  expect([...(await scale(x, 2).data())]).toEqual([8, 10, 12]);
});

test('an op that finds no room for its workspace leaves nothing behind, also outside of a scope', async () => {
  const device = await start({ threads: 1 });
  const x = tensor(device, wave(128 * 16), [1, 128, 1, 16]);
  const logSumExp = tensor(device, wave(128), [1, 128, 1]);
  // 24 KiB of gradients and 512 bytes of dot products fit, 16 KiB of partial sums more do not.
  const room = device.alloc(2 ** 15);
  for (let bytes = 2 ** 31; bytes >= 256; bytes /= 2) {
    expect(() => {
      for (;;) device.alloc(bytes);
    }).toThrow(OutOfMemoryError);
  }
  device.free(room);
  const before = device.memory();
  const ins = { dy: x, q: x, k: x, v: x, y: x, logSumExp };
  expect(() => run(attentionBackwardOp, ins, { scale: 1, window: 0 })).toThrow(OutOfMemoryError);
  expect(device.memory()).toMatchObject({ live: before.live, count: before.count });
  expect(scale(x, 2).size).toBe(x.size);
});

test('a disposed program is not replayed, and disposing it twice is harmless', async () => {
  const device = await start({ threads: 1 });
  const step = capture(({ x }: { readonly x: Tensor }) => scale(x, 2));
  const x = tensor(device, [1, 2]);
  step({ x });
  step({ x });
  const program = step.program as CpuProgram;
  expect(program.profile()).toMatchObject({ scale: { launches: 1 } });
  step.dispose();
  program.dispose();
  expect(() => program.replay()).toThrow('[cpu] this program was disposed; capture the step again');
  expect(() => program.profile()).toThrow(DisposedError);
  expect(device.memory()).toMatchObject({ count: 1, programs: 0 });
});

test('memory that grows while recording, and threads that meet it', async () => {
  const device = await start({ threads: 2 });
  const x = tensor(device, wave(1 << 16), [256, 256]);
  const step = capture((ins: { readonly x: Tensor }) => {
    let y = ins.x;
    for (let i = 0; i < 40; i++) y = i % 2 ? matmul(y, ins.x) : scale(y, 1e-2);
    return rows(y, 0, 1);
  });
  const first = [...(await step({ x }).data())];
  for (let i = 0; i < 3; i++) expect([...(await step({ x }).data())]).toEqual(first);
});

test('a read that was begun before dispose is answered, everything after it throws', async () => {
  const device = await start({ threads: 2 });
  const x = tensor(device, [1, 2]);
  const pending = x.data();
  device.dispose();
  expect([...(await pending)]).toEqual([1, 2]);
  await expect(x.data()).rejects.toThrow(DisposedError);
  expect(() => write(x, [1, 2])).toThrow(DisposedError);
  expect(() => scale(x, 2)).toThrow(DisposedError);
  expect(() => tensor(device, [1])).toThrow('[cpu] this device was disposed; make another one');
  x.dispose();
});
