/**
 * Times single kernels at training sizes against the ceilings of the same machine: bytes that must move over the rate of
 * a plain copy, operations over the rate of a large matrix product. Every kernel runs alone, on tensors larger than the
 * caches.
 */
import {
  adamw,
  adamwHyper,
  attention,
  attentionBackwardOp,
  attentionOp,
  castStraightThrough,
  copy,
  crossEntropyBackwardOp,
  crossEntropyOp,
  type Device,
  type DType,
  globalNorm,
  matmul,
  noGrad,
  rmsNormBackwardOp,
  rmsNormOp,
  rotaryHeads,
  run,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { gatedSparsify, gatedSparsifyBackwardOp, sparsify, ternarize } from '@qsparse/quantizers';
import { type Draw, drawOn, type TimedDevice } from './timed-device.ts';

export interface KernelTime {
  readonly kernel: string;
  /** Median of one run. */
  readonly microseconds: number;
  /** What it cannot do without: bytes read and written once, or operations, over the measured ceiling. */
  readonly floorMicroseconds: number;
  /** floor / measured. */
  readonly share: number;
  /** Gigabytes or teraflops a second. */
  readonly rate: number;
  readonly unit: 'GB/s' | 'TFLOP/s';
}

export interface KernelTimes {
  /** Bytes read and written a second by a copy, in gigabytes. */
  readonly copyRate: number;
  /** Operations a second of a large product, in teraflops. */
  readonly productRate: number;
  readonly kernels: readonly KernelTime[];
}

/** What one measured run does, and what it must move or compute. */
interface Work {
  readonly kernel: string;
  readonly bytes?: number;
  readonly flops?: number;
  run(): unknown;
}

const RUNS = 15;
/** Runs a measurement takes together, so that the clock's grain does not show. */
const TOGETHER = 4;

export async function timeKernels(device: TimedDevice): Promise<KernelTimes> {
  const draw = drawOn(device, 1);
  const dtype: DType = device.caps.compute.includes('bf16') ? 'bf16' : 'f32';
  const large = draw([2 ** 28], dtype);
  const copyTime = await median(device, () => copy(large));
  const copyRate = (2 * bytesOf(large)) / copyTime / 1e3;
  large.dispose();
  const productRate = await productCeiling(device, dtype, draw);
  const kernels: KernelTime[] = [];
  for (const make of cases(device, dtype)) {
    // What a case allocates goes before the next one.
    const made: Tensor[] = [];
    const track = (x: Tensor): Tensor => {
      made.push(x);
      return x;
    };
    const work = make((shape, as) => track(draw(shape, as)), track);
    const microseconds = await median(device, work.run);
    const ceiling = work.flops ? productRate * 1e6 : copyRate * 1e3;
    const amount = work.flops ?? work.bytes ?? 0;
    const floorMicroseconds = amount / ceiling;
    kernels.push({
      ...{ kernel: work.kernel, microseconds, floorMicroseconds, share: floorMicroseconds / microseconds },
      rate: amount / microseconds / (work.flops ? 1e6 : 1e3),
      unit: work.flops ? 'TFLOP/s' : 'GB/s',
    });
    for (const x of made) x.dispose();
  }
  return { copyRate, productRate, kernels };
}

type Make = (draw: Draw, track: (x: Tensor) => Tensor) => Work;

async function productCeiling(device: TimedDevice, dtype: DType, draw: Draw): Promise<number> {
  const size = dtype === 'bf16' ? 8192 : 4096;
  const [a, b] = [draw([size, size], dtype), draw([size, size], dtype)];
  const microseconds = await median(device, () => matmul(a, b));
  for (const x of [a, b]) x.dispose();
  return (2 * size ** 3) / microseconds / 1e6;
}

/** Microseconds of one run. */
async function median(device: TimedDevice, work: () => unknown): Promise<number> {
  const once = (): void => {
    noGrad(() =>
      scope(() => {
        work();
      }),
    );
  };
  for (let i = 0; i < 3; i++) once();
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const milliseconds = await device.time(() => {
      for (let j = 0; j < TOGETHER; j++) once();
    });
    times.push((1000 * milliseconds) / TOGETHER);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1]!;
}

const bytesOf = (...tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, x) => sum + x.size * (x.dtype === 'bf16' ? 2 : 4), 0);

function cases(device: Device, dtype: DType): readonly Make[] {
  const rows = 32_768;
  const rowCases = [768, 2048, 5632].flatMap((width): Make[] => [
    (draw) => {
      const x = draw([rows, width], dtype);
      const k = Math.floor(0.4 * width);
      return {
        kernel: `sparsify ${rows} x ${width}, 40 %`,
        bytes: 2 * bytesOf(x),
        run: () => sparsify(x, { k }),
      };
    },
    (draw) => {
      const [x, weight] = [draw([rows, width], dtype), draw([width])];
      const k = Math.floor(0.4 * width);
      const run = () => sparsify(x, { k, weight, int8: true });
      return { kernel: `norm, sparsify, int8 ${rows} x ${width}, 40 %`, bytes: 2 * bytesOf(x), run };
    },
    (draw) => {
      const x = draw([rows, width], dtype);
      const bytes = 2 * bytesOf(x);
      return {
        kernel: `sparsify ${rows} x ${width}, 16:32`,
        bytes,
        run: () => sparsify(x, { k: 16, block: 32 }),
      };
    },
    (draw) => {
      const [x, weight] = [draw([rows, width], dtype), draw([width])];
      const work = () => run(rmsNormOp, { x, weight }, { epsilon: 1e-6 });
      return { kernel: `rms-norm ${rows} x ${width}`, bytes: 2 * bytesOf(x), run: work };
    },
    (draw, track) => {
      const [x, dy, intoX, weight] = [
        draw([rows, width], dtype),
        draw([rows, width], dtype),
        draw([rows, width], dtype),
        draw([width]),
      ];
      const { y, inverseRms } = run(rmsNormOp, { x, weight }, { epsilon: 1e-6 });
      y.dispose();
      track(inverseRms);
      const intoWeight = track(zeros(device, [width]));
      const work = () => run(rmsNormBackwardOp, { dy, x, weight, inverseRms, intoX, intoWeight }, null);
      return { kernel: `rms-norm-backward ${rows} x ${width}`, bytes: 4 * bytesOf(x), run: work };
    },
  ]);
  const gated = [2048, 5632].flatMap((width): Make[] => [
    (draw) => {
      const x = draw([rows, 2 * width], dtype);
      const work = () => gatedSparsify(x, { kind: 'squared-relu' });
      return { kernel: `gated-sparsify ${rows} x ${width}, dense`, bytes: 1.5 * bytesOf(x), run: work };
    },
    (draw) => {
      const x = draw([rows, 2 * width], dtype);
      const work = () => gatedSparsify(x, { kind: 'squared-relu', keep: 0.4 });
      return { kernel: `gated-sparsify ${rows} x ${width}, 40 %`, bytes: 1.5 * bytesOf(x), run: work };
    },
    (draw) => {
      const [x, weight] = [draw([rows, 2 * width], dtype), draw([width])];
      const work = () => gatedSparsify(x, { kind: 'squared-relu', keep: 0.4, int8: true, weight });
      return {
        kernel: `gated-sparsify ${rows} x ${width}, norm, 40 %, int8`,
        bytes: 1.5 * bytesOf(x),
        run: work,
      };
    },
    (draw) => {
      const [x, dy] = [draw([rows, 2 * width], dtype), draw([rows, width], dtype)];
      const work = () => run(gatedSparsifyBackwardOp, { dy, x }, { kind: 'squared-relu' });
      return { kernel: `gated-sparsify-backward ${rows} x ${width}`, bytes: 2.5 * bytesOf(x), run: work };
    },
  ]);
  return [...rowCases, ...gated, ...modelCases(device, dtype)];
}

function modelCases(device: Device, dtype: DType): readonly Make[] {
  const hyper = adamwHyper({
    learningRate: 1e-3,
    weightDecay: 0.1,
    beta1: 0.9,
    beta2: 0.95,
    step: 1,
    clipNorm: 1,
  });
  const heads = [
    [32, 1024, 12, 64],
    [8, 2048, 16, 128],
  ] as const;
  return [
    (draw, track) => {
      const [x, table] = [draw([32, 1024, 3 * 768], dtype), track(draw([1024, 32, 2]))];
      const work = () => rotaryHeads(x, table, { heads: 12, keyValueHeads: 12 });
      return { kernel: 'rotary-heads 32 x 1024 x 2304', bytes: 2 * bytesOf(x), run: work };
    },
    (draw, track) => {
      const logits = draw([16_384, 32_000], dtype);
      const targets = track(zeros(device, [16_384], 'i32'));
      const work = () => run(crossEntropyOp, { logits, targets }, null);
      return { kernel: 'cross-entropy 16384 x 32000', bytes: bytesOf(logits), run: work };
    },
    (draw, track) => {
      const logits = draw([16_384, 32_000], dtype);
      const targets = track(zeros(device, [16_384], 'i32'));
      const { loss, logSumExp, count } = run(crossEntropyOp, { logits, targets }, null);
      for (const x of [loss, logSumExp, count]) track(x);
      const ins = { d: loss, logits, targets, logSumExp, count, overwrite: logits };
      const work = () => run(crossEntropyBackwardOp, ins, null);
      return { kernel: 'cross-entropy-backward 16384 x 32000', bytes: 2 * bytesOf(logits), run: work };
    },
    (draw) => {
      const x = draw([110_000_000]);
      return { kernel: 'global-norm 110 M', bytes: bytesOf(x), run: () => globalNorm(x) };
    },
    (draw, track) => {
      const [value, grad, m, v] = [1, 2, 3, 4].map(() => draw([110_000_000])) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const [norm, numbers] = [track(zeros(device, [])), track(tensor(device, hyper, [8]))];
      const work = () => adamw({ value, grad, m, v, norm, hyper: numbers });
      return { kernel: 'adamw 110 M', bytes: 7 * bytesOf(value), run: work };
    },
    (draw) => {
      const w = draw([4 * 2048, 5632]);
      const bytes = bytesOf(w) * (dtype === 'bf16' ? 1.5 : 2);
      return { kernel: 'ternarize 8192 x 5632', bytes, run: () => ternarize(w, { dtype: dtype as 'bf16' }) };
    },
    ...(dtype === 'bf16'
      ? [
          ((draw) => {
            const w = draw([4 * 2048, 5632]);
            const work = () => castStraightThrough(w, 'bf16');
            return { kernel: 'cast 8192 x 5632 to bf16', bytes: 1.5 * bytesOf(w), run: work };
          }) satisfies Make,
        ]
      : []),
    ...heads.flatMap(([batch, length, count, size]): Make[] => {
      const shape = [batch, length, count, size];
      // Causal: half of the scores.
      const flops = 2 * batch * count * length * length * size;
      const name = `${batch} x ${length}, ${count} heads of ${size}`;
      return [
        (draw) => {
          const [q, k, v] = [draw(shape, dtype), draw(shape, dtype), draw(shape, dtype)] as const;
          return { kernel: `attention ${name}`, flops, run: () => attention(q, k, v) };
        },
        (draw, track) => {
          const [q, k, v, dy] = [1, 2, 3, 4].map(() => draw(shape, dtype)) as [
            Tensor,
            Tensor,
            Tensor,
            Tensor,
          ];
          const attrs = { scale: 1 / Math.sqrt(size), window: 0 };
          const { y, logSumExp } = run(attentionOp, { q, k, v }, attrs);
          for (const x of [y, logSumExp]) track(x);
          const work = () => run(attentionBackwardOp, { dy, q, k, v, y, logSumExp }, attrs);
          return { kernel: `attention-backward ${name}`, flops: 2.5 * flops, run: work };
        },
      ];
    }),
    ...(
      [
        [32_768, 2304, 768],
        [32_768, 768, 768],
        [32_768, 4096, 768],
        [32_768, 768, 2048],
        [32_768, 32_000, 768],
      ] as const
    ).flatMap(([m, n, k]): Make[] => [
      (draw) => {
        const [a, b] = [draw([m, k], dtype), draw([n, k], dtype)];
        const work = () => matmul(a, b, { transposeB: true });
        return { kernel: `product ${m} x ${n} x ${k}`, flops: 2 * m * n * k, run: work };
      },
      (draw) => {
        const [dy, a, into] = [draw([m, n], dtype), draw([m, k], dtype), draw([n, k])];
        const work = () => matmul(dy, a, { transposeA: true, into });
        return { kernel: `weight gradient ${n} x ${k} x ${m}`, flops: 2 * m * n * k, run: work };
      },
    ]),
  ];
}
