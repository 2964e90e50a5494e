// What WebGPU reaches on this machine: node webgpu.mjs. One run, so that the ratios hold: a copy as the roof of memory,
// f32 products as a share of PEAK teraflops (67 is an H100's), what a replay costs in JavaScript, a chain of small
// launches, and TensorFlow.js on the same GPU where its bundle came along. PRODUCTS: sizes to multiply. The last line is JSON.
import { existsSync } from 'node:fs';
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
const PRODUCTS = (process.env.PRODUCTS ?? '1024,2048,4096,8192').split(',').map(Number);
const COPIED = Number(process.env.COPIED ?? 2 ** 27);
const flags = process.env.DAWN_FLAGS?.split(' ');
const device = await webgpuDevice(flags ? { flags } : {});
const results = { device: device.description };
for (const line of device.report()) console.log(line);

const draw = (shape, stream, on = device) => {
  const x = empty(on, 'f32', shape);
  const state = tensor(on, randomState(1, stream), [4], 'i32');
  fillRandom(x, state, { distribution: 'normal' });
  state.dispose();
  return x;
};
/** Median milliseconds of one of `together` runs in a row. */
const median = async (together, work, on = device) => {
  for (let i = 0; i < 3; i++) scope(() => void work());
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const milliseconds = await on.time(() => {
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
  const [from, to] = [draw([COPIED], 1), empty(device, 'f32', [COPIED])];
  const milliseconds = await median(4, () => copyInto(to, from));
  show('copy, read and written', (8 * COPIED) / milliseconds / 1e6, 'GB/s');
  from.dispose();
  to.dispose();
}
for (const size of PRODUCTS) {
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
  const replays = 20;
  const step = capture(({ x, y }) => {
    let sum = x;
    for (let i = 0; i < launches; i++) sum = add(sum, y);
    return sum;
  });
  const inputs = { x: zeros(device, [1024]), y: zeros(device, [1024]) };
  for (let i = 0; i < 10; i++) step(inputs);
  await device.settled();
  // What is not ours: Dawn's own recording for the driver, and the driver.
  let submitting = 0;
  const { queue } = device.gpu;
  const submit = queue.submit.bind(queue);
  queue.submit = (buffers) => {
    const start = performance.now();
    submit(buffers);
    submitting += performance.now() - start;
  };
  const samples = { encoding: [], submitting: [], whole: [] };
  for (let i = 0; i < RUNS; i++) {
    submitting = 0;
    const start = performance.now();
    for (let j = 0; j < replays; j++) step.program.replay();
    // The last batch would go out at the end of the task.
    const called = device.settled();
    const encoded = performance.now() - start;
    samples.encoding.push(encoded - submitting);
    samples.submitting.push(submitting);
    await called;
    samples.whole.push(performance.now() - start);
  }
  delete queue.submit;
  const each = (times) => (1000 * times.sort((a, b) => a - b)[RUNS >> 1]) / (replays * launches);
  show('JavaScript of a replayed dispatch', each(samples.encoding), 'us, without submit');
  show('submit, a dispatch', each(samples.submitting), 'us in Dawn and the driver');
  show('a small dispatch after another', each(samples.whole), 'us, to the end on the GPU');
  const start = performance.now();
  for (let i = 0; i < 50; i++) await device.settled();
  show('submit and wait', (1000 * (performance.now() - start)) / 50, 'us');
}
await experiment();
device.dispose();

const bundle = new URL('webgpu-race.mjs', import.meta.url);
if (existsSync(bundle)) results.race = await race();
console.log(JSON.stringify(results));
// TensorFlow.js leaves its device behind.
process.exit(0);

/** Dawn's subgroup matrices: what the GPU offers, how far f16 operands are off, and how fast. Failures are told, not thrown. */
async function experiment() {
  try {
    const on = await webgpuDevice({ ...(flags && { flags }), experimental: { subgroupMatrix: true } });
    const line = on.report().find((text) => text.startsWith('subgroup matrices'));
    console.log(line, on.variant.f16 ? '(f16)' : '(no f16)');
    results.matrices = line;
    for (const size of on.variant.matrixSide ? PRODUCTS : []) {
      const [a, b] = [draw([size, size], 2, on), draw([size, size], 3, on)];
      if (size <= 1024) {
        const [c, d] = [draw([size, size], 2), draw([size, size], 3)];
        const [got, wanted] = [await matmul(a, b).data(), await matmul(c, d).data()];
        let off = 0;
        for (let i = 0; i < got.length; i++) off = Math.max(off, Math.abs(got[i] - wanted[i]));
        show(
          `matrix units ${size}, off by`,
          off / Math.sqrt(size),
          'standard deviations of a result at most',
        );
      }
      const milliseconds = await median(size > 4096 ? 1 : 4, () => matmul(a, b), on);
      show(`matrix units, f16 to f32, ${size}`, (2 * size ** 3) / milliseconds / 1e9, 'TFLOP/s');
    }
    on.dispose();
  } catch (error) {
    console.log(`matrix units: ${error.message}`);
  }
}

/** Each library opens the GPU through navigator, as in a page. */
async function race() {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  globalThis.navigator ??= { userAgent: 'node' };
  // Kept for the whole process: Dawn ends it otherwise.
  globalThis.dawn = create(flags ?? ['disable-dawn-features=timestamp_quantization']);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: globalThis.dawn, configurable: true });
  const { openers, race: run } = await import(bundle.href);
  const { rows, left } = await run(openers, {
    products: PRODUCTS.filter((size) => size <= 4096),
    network: { batch: 256, width: 512, hidden: 2048 },
    rounds: 5,
    seconds: 0.2,
  });
  for (const line of left) console.log(`left out: ${line}`);
  for (const { what, peer, median, gflops, difference } of rows) {
    const ours = rows.find((row) => row.what === what && row.peer === 'ours');
    const ratio = ours && peer !== 'ours' ? `, ours is ${(median / ours.median).toFixed(2)}x as fast` : '';
    const off = `differs by ${difference.toExponential(1)}`;
    console.log(
      `${what}, ${peer}: ${(1000 * median).toFixed(3)} ms, ${(gflops / 1000).toFixed(2)} TFLOP/s${ratio}, ${off}`,
    );
  }
  return rows;
}
