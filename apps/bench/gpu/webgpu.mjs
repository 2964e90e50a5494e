// What WebGPU reaches on this machine: node webgpu.mjs. One run, so that the ratios hold: a copy as the roof of memory,
// f32 products as a share of PEAK teraflops (67 is an H100's), what a replay costs in JavaScript, and a chain of small
// launches. The last line is JSON.
import { webgpuDevice } from '@qsparse/backend-webgpu';
import {
  add,
  capture,
  copyInto,
  empty,
  fillRandom,
  matmul,
  randomState,
  scope,
  tensor,
  zeros,
} from '@qsparse/core';

const PEAK = Number(process.env.PEAK ?? 67);
const RUNS = 15;
const flags = process.env.DAWN_FLAGS?.split(' ');
const device = await webgpuDevice(flags ? { flags } : {});
const results = { device: device.description };
for (const line of device.report()) console.log(line);

const draw = (shape, stream) => {
  const x = empty(device, 'f32', shape);
  const state = tensor(device, randomState(1, stream), [4], 'i32');
  fillRandom(x, state, { distribution: 'normal' });
  state.dispose();
  return x;
};
/** Median milliseconds of one of `together` runs in a row. */
const median = async (together, work) => {
  for (let i = 0; i < 3; i++) scope(() => void work());
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const milliseconds = await device.time(() => {
      for (let j = 0; j < together; j++) scope(() => void work());
    });
    times.push(milliseconds / together);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
};
const show = (name, value, unit) => {
  results[name] = value;
  console.log(`${name.padEnd(36)} ${value.toFixed(2).padStart(10)} ${unit}`);
};

{
  const [from, to] = [draw([2 ** 27], 1), empty(device, 'f32', [2 ** 27])];
  const milliseconds = await median(4, () => copyInto(to, from));
  show('copy, read and written', (2 * 2 ** 29) / milliseconds / 1e6, 'GB/s');
  from.dispose();
  to.dispose();
}
for (const size of [1024, 2048, 4096, 8192]) {
  const [a, b] = [draw([size, size], 2), draw([size, size], 3)];
  for (const [name, options] of Object.entries({
    NN: {},
    NT: { transposeB: true },
    TN: { transposeA: true },
  })) {
    if (size !== 4096 && name !== 'NN') continue;
    const milliseconds = await median(size > 4096 ? 1 : 4, () => matmul(a, b, options));
    const rate = (2 * size ** 3) / milliseconds / 1e9;
    show(`f32 product ${name} ${size}`, rate, `TFLOP/s, ${((100 * rate) / PEAK).toFixed(0)} % of the peak`);
  }
  a.dispose();
  b.dispose();
}
{
  const launches = 200;
  const step = capture(({ x, y }) => {
    let sum = x;
    for (let i = 0; i < launches; i++) sum = add(sum, y);
    return sum;
  });
  const inputs = { x: zeros(device, [1024]), y: zeros(device, [1024]) };
  for (let i = 0; i < 10; i++) step(inputs);
  await device.settled();
  const encoding = [];
  const whole = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    for (let j = 0; j < 20; j++) step.program.replay();
    encoding.push(performance.now() - start);
    await device.settled();
    whole.push(performance.now() - start);
  }
  const each = (times) => (1000 * times.sort((a, b) => a - b)[RUNS >> 1]) / (20 * launches);
  show('encoding a replayed dispatch', each(encoding), 'us');
  show('a small dispatch after another', each(whole), 'us');
  const start = performance.now();
  for (let i = 0; i < 50; i++) await device.settled();
  show('submit and wait', (1000 * (performance.now() - start)) / 50, 'us');
}
device.dispose();
console.log(JSON.stringify(results));
