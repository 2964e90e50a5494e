/** What a page is told when something is wrong: typed errors that say what to do, whatever the browser. */
import {
  DeviceLostError,
  KernelError,
  LimitError,
  type WebGpuDevice,
  webgpuDevice,
} from '@qsparse/backend-webgpu';
import {
  add,
  argmax,
  DeviceError,
  DisposedError,
  empty,
  full,
  matmul,
  OutOfMemoryError,
  QSparseError,
  zeros,
} from '@qsparse/core';
import { afterEach, expect, test } from 'vitest';

let opened: WebGpuDevice | undefined;
const changed: (keyof Navigator)[] = [];
const open = async (options = {}): Promise<WebGpuDevice> => {
  opened = await webgpuDevice(options);
  return opened;
};
const pretend = (name: keyof Navigator, value: unknown): void => {
  Object.defineProperty(navigator, name, { value, configurable: true });
  changed.push(name);
};
afterEach(() => {
  // What the prototype has is seen again.
  for (const name of changed.splice(0)) Reflect.deleteProperty(navigator, name);
  opened?.dispose();
});

async function failureOf(work: () => unknown): Promise<QSparseError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof QSparseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const BROWSERS = [
  ['Mozilla/5.0 Gecko/20100101 Firefox/130.0', /Firefox 141/, /about:support/],
  ['Mozilla/5.0 AppleWebKit/537.36 Chrome/110.0 Safari/537.36', /version 113/, /chrome:\/\/gpu/],
  ['Mozilla/5.0 AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15', /Safari 26/, /the driver of the GPU/],
  ['something else', /use a current Chrome, Edge, Firefox or Safari/, /the driver of the GPU/],
] as const;

test.each(BROWSERS)('no WebGPU, and no adapter: what to enable in %s', async (agent, noWebGpu, noAdapter) => {
  const { gpu } = navigator;
  pretend('userAgent', agent);
  pretend('gpu', { wgslLanguageFeatures: gpu.wgslLanguageFeatures, requestAdapter: async () => null });
  const none = await failureOf(() => webgpuDevice());
  expect(none).toBeInstanceOf(DeviceError);
  expect(none.message).toMatch(noAdapter);
  pretend('gpu', undefined);
  expect((await failureOf(() => webgpuDevice())).message).toMatch(noWebGpu);
});

test('a tensor, or what a kernel must see of it, is larger than the adapter allows', async () => {
  const device = await open({ maxBinding: 8192 });
  const large = await failureOf(() => empty(device, 'f32', [2 ** 20, 2 ** 20]));
  expect(large).toBeInstanceOf(LimitError);
  expect(large.message).toMatch(/f32 \[1048576, 1048576\] of 4096.0 GiB.*\(maxBufferSize\); use a smaller/);
  const row = zeros(device, [1, 4096]);
  expect((await failureOf(() => argmax(row))).message).toMatch(/kernel argmax.*at most 8192 bytes/);
});

test('a kernel that does not compile: its name and the line of WGSL', async () => {
  const device = await open();
  device.gpu.createShaderModule({ label: 'fill', code: 'fn x() -> f32 {\nreturn 1u;\n}' });
  const error = await failureOf(() => device.settled().then(() => device.settled()));
  expect(error).toBeInstanceOf(KernelError);
  expect(error.message).toContain('kernel fill: ');
  expect((error as KernelError).line).toBeTypeOf('string');
});

test('the GPU has no room left: said with what is in use, at every later use', async () => {
  const device = await open();
  const x = full(device, [1000], 1);
  const error = new GPUOutOfMemoryError('no room');
  device.gpu.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error, cancelable: true }));
  const told = await failureOf(() => add(x, x));
  expect(told).toBeInstanceOf(OutOfMemoryError);
  expect(told.message).toContain('in 1 tensors');
  expect(await failureOf(() => x.data())).toBe(told);
});

test('a GPU that is full in earnest: what there was no room for, and another device goes on', async () => {
  const device = await open();
  const x = full(device, [1000], 1);
  // SwiftShader has no room for the largest buffer that it allows.
  const told = await failureOf(async () => {
    for (let i = 0; i < 4; i++) empty(device, 'f32', [device.gpu.limits.maxBufferSize / 4]);
    await device.settled();
    await device.settled();
  });
  expect(told).toBeInstanceOf(OutOfMemoryError);
  expect(told.message).toMatch(/no room left for a tensor f32 \[\d+\] of 1\.0 GiB/);
  expect(await failureOf(() => x.data())).toBe(told);
  device.dispose();
  const other = await open();
  const sum = add(full(other, [3], 1), full(other, [3], 2));
  expect(Array.from(await sum.data())).toEqual([3, 3, 3]);
});

test('a lost GPU ends what waits, with the error that every use throws', async () => {
  const device = await open();
  const x = full(device, [256, 256], 1);
  const pending = failureOf(() => matmul(x, x).data());
  device.gpu.destroy();
  expect(await device.lost).toBeInstanceOf(DeviceLostError);
  expect(await pending).toBeInstanceOf(DeviceLostError);
  expect(await failureOf(() => add(x, x))).toBeInstanceOf(DeviceLostError);
});

test('closed while work is pending', async () => {
  const device = await open();
  const x = full(device, [256, 256], 1);
  const pending = failureOf(() => matmul(x, x).data());
  device.dispose();
  expect(await pending).toBeInstanceOf(DisposedError);
  expect(await failureOf(() => add(x, x))).toBeInstanceOf(DisposedError);
});
