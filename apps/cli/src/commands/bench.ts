/** `qsparse bench train|kernels|decode`: how fast this machine trains and generates, at shapes that others are measured at, and why. */
import { writeFile } from 'node:fs/promises';
import type { Device } from '@qsparse/core';
import type { ComputeDType } from '@qsparse/layers';
import {
  DECODE_SHAPES,
  DECODE_WEIGHTS,
  type DecodeResult,
  type DecodeShape,
  timeDecode,
} from '../bench/decode.ts';
import { type KernelTimes, type TimedDevice, timeKernels } from '../bench/kernels.ts';
import { chromeTrace, sharesOf } from '../bench/profile.ts';
import { SIZES, type SizeName, VARIANTS, type Variant } from '../bench/shapes.ts';
import { type StepResult, timeTrainStep } from '../bench/train-step.ts';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  UsageError,
} from '../command.ts';
import { openDevice } from '../open-device.ts';
import type { Output } from '../output.ts';

export const command: Command = {
  name: 'bench',
  usage: 'train|kernels|decode [--sizes 125M,350M] [--variants dense,q,b,bq] [--device NAME] [--json]',
  summary:
    'Times a training step (dense, Q-Sparse q, BitNet b, both bq), kernels against the ceilings, or generation over sparsity.',
  positionals: 1,
  options: {
    sizes: { type: 'string', value: 'LIST', help: `of ${Object.keys(SIZES).join(', ')} (default 1M)` },
    variants: { type: 'string', value: 'LIST', help: `of ${VARIANTS.join(', ')} (default: all)` },
    compute: { type: 'string', value: 'f32|bf16', help: 'default: bf16 where the device has it' },
    batch: { type: 'string', value: 'N', help: "rows a step (default: the size's)" },
    row: { type: 'string', value: 'N', help: 'tokens a row (default 1024)' },
    steps: { type: 'string', value: 'N', help: 'steps to time (default 10)' },
    shapes: {
      type: 'string',
      value: 'LIST',
      help: `decode: of ${Object.keys(DECODE_SHAPES).join(', ')} (default 1M)`,
    },
    weights: { type: 'string', value: 'W', help: `decode: ${DECODE_WEIGHTS.join(', ')} (default ternary)` },
    sparsities: { type: 'string', value: 'LIST', help: 'decode: shares left out (default 0,0.5,0.61,0.75)' },
    layers: { type: 'string', value: 'N', help: "decode: blocks (default: the shape's)" },
    tokens: { type: 'string', value: 'N', help: 'decode: tokens to time for each (default 48)' },
    profile: {
      type: 'string',
      value: 'FILE',
      help: 'times of each kernel of the last step, as a Chrome trace',
    },
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const [what] = args.positionals;
    if (what === 'kernels') return await benchKernels(args, output);
    if (what === 'decode') return await benchDecode(args, output);
    if (what !== 'train')
      throw new UsageError(`[bench] there is no benchmark "${what ?? ''}"; choose train, kernels or decode`);
    const sizes = list('sizes', args, Object.keys(SIZES) as SizeName[], ['1M']);
    const variants = list<Variant>('variants', args, VARIANTS, VARIANTS);
    const integer = (name: string) => integerFlag('bench', name, args.flags[name], { min: 1 });
    const [batch, row, steps = 10] = [integer('batch'), integer('row'), integer('steps')];
    const flags = deviceFlags('bench', args);
    for (const size of sizes) {
      for (const variant of variants) {
        // A device each: its memory and its first step are those of a new process, but for the loaded libraries.
        const device = await openDevice(flags, (line) => output.error(line));
        try {
          const compute = computeOf(args, device);
          const result = await timeTrainStep(device, { size, variant, compute, batch, row, steps });
          await report(result, device, args, output);
        } finally {
          device.dispose();
        }
      }
    }
    return 0;
  },
};

async function benchKernels(args: Arguments, output: Output): Promise<number> {
  const device = await openDevice(deviceFlags('bench', args), (line) => output.error(line));
  try {
    if (!('time' in device)) {
      output.error(`[bench] device ${device.name} has no clock for single kernels; use --device cuda`);
      return 1;
    }
    const times = await timeKernels(device as TimedDevice);
    if (args.flags.json) output.line(JSON.stringify({ device: device.description, ...times }));
    else for (const line of kernelLines(times)) output.line(line);
    return 0;
  } finally {
    device.dispose();
  }
}

async function benchDecode(args: Arguments, output: Output): Promise<number> {
  const shapes = list('shapes', args, Object.keys(DECODE_SHAPES) as DecodeShape[], ['1M']);
  const [weights = 'ternary'] = list('weights', args, DECODE_WEIGHTS, DECODE_WEIGHTS);
  const integer = (name: string) => integerFlag('bench', name, args.flags[name], { min: 1 });
  const [layers, tokens = 48] = [integer('layers'), integer('tokens')];
  const sparsities = sharesOfInputs(args);
  const flags = deviceFlags('bench', args);
  for (const shape of shapes) {
    const device = await openDevice(flags, (line) => output.error(line));
    try {
      const result = await timeDecode(device, { shape, weights, layers, sparsities, tokens });
      if (args.flags.json) output.line(JSON.stringify({ device: device.description, ...result }));
      else for (const line of decodeLines(result)) output.line(line);
    } finally {
      device.dispose();
    }
  }
  return 0;
}

/** Throws UsageError. */
function sharesOfInputs({ flags: { sparsities = '0,0.5,0.61,0.75' } }: Arguments): readonly number[] {
  return String(sparsities)
    .split(',')
    .map((text) => {
      const share = text.trim() === '' ? Number.NaN : Number(text);
      if (share >= 0 && share < 1) return share;
      throw new UsageError(
        `[bench] --sparsities takes numbers from 0 to below 1, got ${JSON.stringify(text)}`,
      );
    });
}

function decodeLines(result: DecodeResult): readonly string[] {
  const { shape, weights, layers, threads, headMilliseconds, rows } = result;
  return [
    `${shape} ${weights}, ${layers} layers, ${threads} threads; the head takes ${headMilliseconds.toFixed(2)} ms of each token`,
    'form     sparsity  ms a token (10 % to 90 %)   tokens/s  speedup  MB of weights  tokens/s with all layers',
    ...rows.map((row) =>
      [
        row.form.padEnd(7),
        `${(100 * row.sparsity).toFixed(0).padStart(7)} %`,
        `${row.milliseconds.toFixed(2).padStart(9)} (${row.low.toFixed(2)} to ${row.high.toFixed(2)})`.padEnd(
          26,
        ),
        row.tokensPerSecond.toFixed(1).padStart(9),
        `${row.speedup.toFixed(2)}x`.padStart(7),
        row.megabytes.toFixed(1).padStart(13),
        row.tokensPerSecondFull.toFixed(1).padStart(9),
      ].join('  '),
    ),
  ];
}

function kernelLines({ copyRate, productRate, kernels }: KernelTimes): readonly string[] {
  return [
    `copy ${copyRate.toFixed(0)} GB/s read and written; product ${productRate.toFixed(0)} TFLOP/s`,
    ...kernels.map(({ kernel, microseconds, floorMicroseconds, share, rate, unit }) =>
      [
        kernel.padEnd(52),
        `${microseconds.toFixed(1).padStart(9)} us`,
        `floor ${floorMicroseconds.toFixed(1).padStart(8)} us`,
        `${(100 * share).toFixed(0).padStart(4)} %`,
        `${rate.toFixed(0).padStart(6)} ${unit}`,
      ].join('  '),
    ),
  ];
}

async function report(
  result: StepResult,
  device: Device,
  { flags }: Arguments,
  output: Output,
): Promise<void> {
  const { profile, ...numbers } = result;
  const shares = profile && sharesOf(profile);
  if (profile && typeof flags.profile === 'string') await writeFile(flags.profile, chromeTrace(profile));
  if (flags.json) {
    output.line(JSON.stringify({ device: device.description, ...numbers, kernels: shares }));
    return;
  }
  const { size, variant, compute, parameters, batch, row, milliseconds, tokensPerSecond } = result;
  output.line(
    [
      `${size} ${variant.padEnd(5)} ${compute}, ${(parameters / 1e6).toFixed(1)} M parameters, ${batch} x ${row} tokens:`,
      `${milliseconds.toFixed(2)} ms (${result.fastest.toFixed(2)} to ${result.slowest.toFixed(2)})`,
      `${Math.round(tokensPerSecond)} tokens/s`,
      `${result.teraflops.toFixed(1)} TFLOP/s`,
      `${(result.peakMemory / 2 ** 30).toFixed(2)} GiB`,
      `first step after ${result.firstStep.toFixed(1)} s`,
    ].join('  '),
  );
  const total = shares?.reduce((sum, { microseconds }) => sum + microseconds, 0) ?? 1;
  for (const { name, launches, microseconds } of shares?.slice(0, 25) ?? []) {
    const share = `${((100 * microseconds) / total).toFixed(1)} %`;
    output.line(
      `  ${name.padEnd(40)} ${String(launches).padStart(5)} x ${(microseconds / launches).toFixed(1).padStart(9)} us ${share.padStart(7)}`,
    );
  }
}

function list<T extends string>(
  name: string,
  { flags }: Arguments,
  known: readonly T[],
  usual: readonly T[],
): readonly T[] {
  const value = flags[name];
  if (typeof value !== 'string') return usual;
  return value.split(',').map((part) => {
    const found = known.find((one) => one === part.trim());
    if (found !== undefined) return found;
    throw new UsageError(`[bench] --${name} takes ${known.join(', ')}, got ${JSON.stringify(part)}`);
  });
}

function computeOf({ flags: { compute } }: Arguments, { name, caps }: Device): ComputeDType {
  if (compute === undefined) return caps.compute.includes('bf16') && !caps.float64 ? 'bf16' : 'f32';
  if ((compute === 'f32' || compute === 'bf16') && caps.compute.includes(compute)) return compute;
  const dtypes = caps.compute.join(' or ');
  throw new UsageError(`[bench] --compute on device ${name} must be ${dtypes}, got ${String(compute)}`);
}
