// Which launch shapes suit the products of decoding on this GPU: node tune-gemv.mjs [4096x22016 ...]
// For each matrix and kind of weights the times of the settings of QSPARSE_GEMV_TUNING=lanes,blocks,entries,ahead, an
// empty field being what the kernel has. No matrix is begun after $TUNE_SECONDS, by default 45.
import { cudaDevice } from '@qsparse/backend-cuda';
import { timeDecodeProducts } from './node_modules/@qsparse/cli/dist/bench/decode-products.js';

// Large and small ones first, of 7B and of 1.3B: qkv, down, gate and up, and what projects attention's result.
const SHAPES = ['4096x22016', '2048x6144', '11008x4096', '4096x4096', '2560x13824', '5632x2048', '2048x2048'];
const SETTINGS = {
  ternary: ['', ',,,0', '8', '32', ',1', ',3', ',4,32', ',,32', '8,4,32', '32,4,32', ',,,16'],
  bf16: ['', ',,,0', '32', '8', ',1', ',2', '32,1', ',4', ',6', '32,6', ',4,128', ',,,16'],
};
const SPARSITIES = { ternary: [0, 0.6], bf16: [0, 0.5] };

const shapes = process.argv[2] ? process.argv.slice(2) : SHAPES;
const until = Date.now() + 1000 * Number(process.env.TUNE_SECONDS ?? 45);
const device = await cudaDevice();
console.log(device.description);
for (const shape of shapes) {
  for (const [weights, settings] of Object.entries(SETTINGS)) {
    if (Date.now() > until) {
      console.log(`${shape} ${weights}: no time left`);
      continue;
    }
    const { products, failures, launchMicroseconds, readRate } = await timeDecodeProducts(device, {
      ...{ shapes: [shape.split('x').map(Number)], weights: [weights], sparsities: SPARSITIES[weights] },
      roofFloats: 2 ** 26,
      variants: settings.map((name) => ({
        name,
        use: () => {
          process.env.QSPARSE_GEMV_TUNING = name;
        },
      })),
    });
    const rows = settings.flatMap((setting) => {
      const [dense, sparse] = products.filter(({ variant }) => variant === setting);
      return dense && sparse ? [{ setting, dense, sparse }] : [];
    });
    const shown = (us) => us.toFixed(2).padStart(7);
    if (rows[0]) {
      const { dense, sparse } = rows[0];
      console.log(
        `${shape} ${weights}: cuBLAS ${shown(dense.denseMicroseconds)} us; floors ${shown(dense.floorMicroseconds)} and, at ${100 * sparse.sparsity} %, ${shown(sparse.floorMicroseconds)} us; read ${readRate.toFixed(0)} GB/s; an empty launch ${shown(launchMicroseconds)} us`,
      );
    }
    rows.sort((a, b) => a.sparse.microseconds - b.sparse.microseconds);
    for (const { setting, dense, sparse } of rows)
      console.log(
        `  ${(setting || 'default').padEnd(10)} dense ${shown(dense.microseconds)} us  sparse ${shown(sparse.microseconds)} us  errors ${dense.error.toExponential(1)} ${sparse.error.toExponential(1)}`,
      );
    for (const { variant, sparsity, failure } of failures)
      console.log(`  ${(variant || 'default').padEnd(10)} ${100 * sparsity} %: ${failure}`);
  }
}
device.dispose();
