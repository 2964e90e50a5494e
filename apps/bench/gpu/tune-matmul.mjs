// Times every form of the WebGPU matrix product on this machine's GPU, whatever form the device would take, and what it
// takes: node tune-matmul.mjs [m n k]. In the packed folder or, after pnpm build, here; no software adapter is worth it.
import { existsSync } from 'node:fs';

const PACKED = 'node_modules/@qsparse/';
const packages = existsSync(new URL(PACKED, import.meta.url)) ? `./${PACKED}` : '../../../packages/';
const load = (file) => import(new URL(`${packages}${file}`, import.meta.url).href);
const { matmulOp, normal, run, tensor } = await load('core/dist/index.js');
const { webgpuDevice } = await load('backend-webgpu/dist/index.js');
const { kernelsByOp } = await load('backend-webgpu/dist/kernels/index.js');
const { launchForm, productOf } = await load('backend-webgpu/dist/kernels/matmul.js');
const { webGpuKernel } = await load('backend-webgpu/dist/launch.js');

const TILED = [
  [128, 128, 16],
  [128, 128, 8],
  [128, 64, 16],
  [64, 128, 16],
  [64, 64, 16],
];
const ASKED = process.argv.slice(2).map(Number);
const SHAPES =
  ASKED.length === 3
    ? [ASKED]
    : [
        [4096, 4096, 4096],
        [4096, 2048, 512],
        [512, 512, 8192],
        [1, 4096, 4096],
        [8, 4096, 4096],
      ];
const TRANSPOSES = ['NN', 'NT', 'TN'];
const SECONDS = 0.5;

/** matmul in one form. */
function matmulIn(form) {
  const op = { ...matmulOp };
  kernelsByOp.set(
    op,
    webGpuKernel(op, (ins, { y }, attrs, context) => launchForm(productOf(ins, y, attrs), form, context)),
  );
  return op;
}

function formsFor([m, , k], transposes) {
  const splits = k >= 2048 && m <= 512 ? [1, 4, 16] : [1];
  const forms = splits.flatMap((count) => [
    ...TILED.map(([tileM, tileN, tileK]) => ({ entry: 'tiled', tileM, tileN, tileK, splits: count })),
    { entry: 'direct', across: 8, splits: count },
  ]);
  if (m % 8 === 0) forms.push({ entry: 'direct8', across: 8, splits: 1 });
  if (m > 8 || transposes[0] === 'T') return forms;
  return [
    ...splits.map((count) => ({ entry: 'few', splits: count })),
    { entry: 'direct', across: 32, splits: 4 },
  ];
}

const device = await webgpuDevice();
console.log(device.adapter);

/** Seconds of one product. */
async function time(op, a, b, attrs) {
  const once = () => run(op, { a, b }, attrs).y.dispose();
  once();
  await device.settled();
  let count = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < count; i++) once();
    await device.settled();
    const seconds = (performance.now() - start) / 1000;
    if (seconds > SECONDS / 2) return seconds / count;
    count *= 4;
  }
}

for (const [m, n, k] of SHAPES) {
  for (const transposes of TRANSPOSES) {
    const attrs = { transposeA: transposes[0] === 'T', transposeB: transposes[1] === 'T' };
    const a = tensor(device, Float32Array.from(normal(1, 1, m * k)), attrs.transposeA ? [k, m] : [m, k]);
    const b = tensor(device, Float32Array.from(normal(2, 1, n * k)), attrs.transposeB ? [n, k] : [k, n]);
    const show = (what, seconds) => {
      const rate = `${((2 * m * n * k) / seconds / 1e12).toFixed(2)} TFLOP/s`;
      const bytes = `${((4 * (m * k + n * k + m * n)) / seconds / 1e9).toFixed(0)} GB/s`;
      console.log(
        `${m}x${n}x${k} ${transposes}  ${what.padEnd(34)} ${(seconds * 1e6).toFixed(1)} us  ${rate}  ${bytes}`,
      );
    };
    show('as the device does it', await time(matmulOp, a, b, attrs));
    for (const form of formsFor([m, n, k], transposes)) {
      show(Object.values(form).join(' '), await time(matmulIn(form), a, b, attrs));
    }
    a.dispose();
    b.dispose();
  }
}
device.dispose();
