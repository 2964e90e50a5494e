/** What a replay costs besides the GPU's work: memory of JavaScript and buffers, on Dawn's null backend, which runs nothing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type WebGpuDevice, webgpuDevice } from '@qsparse/backend-webgpu';
import { add, type Captured, capture, type Tensor, zeros } from '@qsparse/core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const LAUNCHES = 100;
const AT_ONCE = 400;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let device: WebGpuDevice;
let step: Captured<{ x: Tensor; y: Tensor }, Tensor>;
beforeAll(async () => {
  device = await webgpuDevice({ flags: ['backend=null'] });
  step = capture(({ x, y }) => {
    let sum = x;
    for (let i = 0; i < LAUNCHES; i++) sum = add(sum, y);
    return sum;
  });
  const inputs = { x: zeros(device, [1024]), y: zeros(device, [1024]) };
  for (let i = 0; i < 3; i++) step(inputs);
  replay(200);
  await device.settled();
});
afterAll(() => device.dispose());

const replay = (count: number): void => {
  for (let i = 0; i < count; i++) step.program!.replay();
};

test('a replayed dispatch allocates nothing: a submit does, once for 128 of them', async () => {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    replay(AT_ONCE);
    least = Math.min(least, process.memoryUsage().heapUsed - before);
    await device.settled();
  }
  // What a submit makes comes to 10 to 16 bytes for each of its dispatches; an object without a field would add 24.
  expect(least / (AT_ONCE * LAUNCHES)).toBeLessThan(24);
});

test('1,000 replays make no buffer and no bind group, and leave no memory behind', async () => {
  const buffers = device.memory();
  const made = [
    vi.spyOn(device.gpu, 'createBuffer'),
    vi.spyOn(device.gpu, 'createBindGroup'),
    vi.spyOn(device.gpu, 'createComputePipeline'),
  ];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10; i++) {
    replay(100);
    await device.settled();
  }
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000);
  expect(device.memory()).toEqual(buffers);
  for (const spy of made) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
});
