// Times the WebGPU products of decoding in every layout of workgroups on this machine's GPU: node tune-products.mjs [inputs
// outputs], default 4096 22016. The last line of each kind is what the device would take by itself. In the packed folder or,
// after pnpm build, here; SOFTWARE=1 allows a software adapter, for a try of this script.
import { existsSync } from 'node:fs';

const PACKED = 'node_modules/@qsparse/';
const packages = existsSync(new URL(PACKED, import.meta.url)) ? `./${PACKED}` : '../../../packages/';
const load = (file) => import(new URL(`${packages}${file}`, import.meta.url).href);
const { cast, copy, copyInto, empty, fillRandom, randomState, run, scope, tensor } =
  await load('core/dist/index.js');
const { channelBytes, sparseGemvOp, ternaryGemvOp } = await load('quantizers/dist/index.js');
const { webgpuDevice } = await load('backend-webgpu/dist/index.js');
const { kernelsByOp } = await load('backend-webgpu/dist/kernels/index.js');
const { launchSparseGemv } = await load('backend-webgpu/dist/kernels/sparse-gemv.js');
const { launchTernaryGemv } = await load('backend-webgpu/dist/kernels/ternary-gemv.js');
const { webGpuKernel } = await load('backend-webgpu/dist/launch.js');

const [inputs = 4096, outputs = 22_016] = process.argv.slice(2).map(Number);
/** Bytes between two uses of the same ones: several times the last cache. */
const BETWEEN = Number(process.env.BETWEEN ?? 400e6);
const RUNS = 9;
const LANES = [8, 16, 32, 64];
const SLOTS = [4, 8, 16, 32];
const SPLITS = [1, 2, 4, 6, 8, 11, 16, 22, 32];
const SHOWN = 6;

const device = await webgpuDevice(process.env.SOFTWARE ? { barrierFree: false } : {});
console.log(device.adapter);
if (device.software && !process.env.SOFTWARE) {
  console.error('[tune] this is a software adapter: its times say nothing');
  process.exit(1);
}

/** Median microseconds of one of `launches` launches in one recorded program. */
async function time(launches, work) {
  const all = () => {
    for (let i = 0; i < launches; i++) scope(() => void work(i));
  };
  scope(() => void work(0));
  const recording = device.record();
  all();
  const program = recording.end();
  const times = [];
  for (let i = 0; i < RUNS; i++) times.push(await device.time(() => program.replay()));
  program.dispose();
  return (1000 * times.sort((a, b) => a - b)[RUNS >> 1]) / launches;
}

function drawn(shape) {
  const x = empty(device, 'f32', shape);
  const state = tensor(device, randomState(1, 7), [4], 'i32');
  fillRandom(x, state, { distribution: 'normal' });
  state.dispose();
  return x;
}

{
  const from = drawn([Number(process.env.COPIED ?? 2 ** 27)]);
  const to = empty(device, 'f32', from.shape);
  const microseconds = await time(4, () => copyInto(to, from));
  console.log(`copy, read and written: ${((8 * from.size) / microseconds / 1e3).toFixed(0)} GB/s`);
  from.dispose();
  to.dispose();
}
const floats = drawn([inputs, outputs]);
const weights = {
  bf16: cast(floats, 'bf16'),
  ternary: tensor(
    device,
    Int8Array.from(
      { length: inputs * channelBytes(outputs) },
      (_, i) => [0x55, 0x64, 0x19, 0x46][(i * 7919) % 4],
    ),
    [inputs, channelBytes(outputs)],
    'i8',
  ),
};
floats.dispose();

for (const [kind, share] of [
  ['bf16', 1],
  ['bf16', 0.5],
  ['ternary', 1],
  ['ternary', 0.4],
]) {
  const isTernary = kind === 'ternary';
  const keep = Math.round(inputs * share);
  const bytes = isTernary ? channelBytes(outputs) : 2 * outputs;
  const copies = Math.max(2, Math.ceil(BETWEEN / (keep * bytes)));
  const all = Array.from({ length: copies }, (_, i) => (i === 0 ? weights[kind] : copy(weights[kind])));
  const list = {
    indices: tensor(
      device,
      Int32Array.from({ length: keep }, (_, j) => Math.floor((j * inputs) / keep)),
      [1, keep],
      'i32',
    ),
    values: tensor(device, Array(keep).fill(1), [1, keep], isTernary ? 'i8' : 'f32'),
    count: tensor(device, [keep], [1], 'i32'),
    ...(isTernary && {
      scale: tensor(device, [1], [1]),
      scales: tensor(device, Array(outputs).fill(1), [outputs]),
    }),
  };
  const own = isTernary ? ternaryGemvOp : sparseGemvOp;
  const launch = isTernary ? launchTernaryGemv : launchSparseGemv;
  const results = [];
  const measure = async (name, planned) => {
    const op = { ...own };
    kernelsByOp.set(
      op,
      webGpuKernel(op, (ins, { y }, _attrs, context) => launch(ins, y, context, planned)),
    );
    try {
      const microseconds = await time(copies, (i) => run(op, { ...list, w: all[i] }, { dtype: 'f32' }));
      results.push({ name, microseconds });
    } catch (error) {
      console.log(`${name}: ${error.message}`);
    }
  };
  for (const lanes of LANES) {
    for (const slots of SLOTS) {
      if (lanes * slots < 64 || lanes * slots > 256) continue;
      for (const splits of SPLITS) {
        const planned = (_context, { units }) => ({
          layout: { lanes, slots, staged: true },
          tiles: Math.ceil(units / lanes),
          splits,
        });
        await measure(`${lanes} lanes, ${slots} slots, ${splits} splits`, planned);
      }
    }
  }
  results.sort((a, b) => a.microseconds - b.microseconds);
  const best = results.slice(0, SHOWN);
  results.length = 0;
  await measure('the device itself');
  for (const { name, microseconds } of [...best, ...results]) {
    const rate = (keep * bytes) / microseconds / 1e3;
    console.log(
      `${kind} ${(100 * share).toFixed(0)} %: ${microseconds.toFixed(2)} us, ${rate.toFixed(0)} GB/s, ${name}`,
    );
  }
  for (const one of [...all.slice(1), ...Object.values(list)]) one.dispose();
}
device.dispose();
