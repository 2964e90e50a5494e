/** `qsparse bench train|kernels|decode`: how fast this machine trains and generates, at shapes that others are measured at, and why. */
import type { Device } from '@qsparse/core';
import { writeFileAtomic } from '@qsparse/formats/node';
import { benchDecode, DECODE_OPTIONS } from '../bench/decode-command.ts';
import { type ListTime, timeDecodeLists } from '../bench/decode-lists.ts';
import { type ProductTimes, timeDecodeProducts } from '../bench/decode-products.ts';
import { computeOf, list } from '../bench/flags.ts';
import { type KernelTimes, timeKernels } from '../bench/kernels.ts';
import { outputFile } from '../bench/output-file.ts';
import { chromeTrace, shareOfProducts, sharesOf } from '../bench/profile.ts';
import { SIZES, type SizeName, VARIANTS, type Variant } from '../bench/shapes.ts';
import { hasClock } from '../bench/timed-device.ts';
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

/** What `bench kernels` times: kernels of training; the products that decoding skips channels in, and what lists those. */
const KERNEL_PARTS = ['training', 'decode'] as const;

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
    parts: { type: 'string', value: 'LIST', help: `kernels: of ${KERNEL_PARTS.join(', ')} (default: both)` },
    ...DECODE_OPTIONS,
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
    const trace = await outputFile(args.flags.profile);
    for (const size of sizes) {
      for (const variant of variants) {
        // A device each: its memory and its first step are those of a new process, but for the loaded libraries.
        const device = await openDevice(flags, (line) => output.error(line));
        try {
          const compute = computeOf(args, device);
          const result = await timeTrainStep(device, { size, variant, compute, batch, row, steps });
          await report(result, { device, args, trace }, output);
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
    if (!hasClock(device)) {
      output.error(`[bench] device ${device.name} has no clock for single kernels; use --device cuda`);
      return 1;
    }
    const parts = list('parts', args, KERNEL_PARTS, KERNEL_PARTS);
    const times = parts.includes('training') ? await timeKernels(device) : undefined;
    const lists = parts.includes('decode') ? await timeDecodeLists(device) : undefined;
    const decode = lists ? { ...(await timeDecodeProducts(device)), lists } : undefined;
    if (args.flags.json) {
      output.line(JSON.stringify({ device: device.description, ...times, ...(decode && { decode }) }));
      return 0;
    }
    for (const line of times ? kernelLines(times) : []) output.line(line);
    for (const line of decode ? [...listLines(decode.lists), ...productLines(decode, device)] : [])
      output.line(line);
    return 0;
  } finally {
    device.dispose();
  }
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

function listLines(times: readonly ListTime[]): readonly string[] {
  return [
    'lists of decoding, one row, int8: with norm, and of gated rows without',
    'op                   width  sparsity        us',
    ...times.map(({ op, width, sparsity, microseconds }) =>
      [
        op.padEnd(19),
        String(width).padStart(5),
        `${(100 * sparsity).toFixed(0)} %`.padStart(8),
        microseconds.toFixed(2).padStart(8),
      ].join('  '),
    ),
  ];
}

function productLines(
  { copyRate, readRate, launchMicroseconds, products, failures }: ProductTimes,
  { description }: Device,
): readonly string[] {
  return [
    `products of decoding, one row, on ${description}`,
    `copy ${copyRate.toFixed(0)} GB/s read and written, read ${readRate.toFixed(0)} GB/s; a launch that does nothing ${launchMicroseconds.toFixed(2)} us`,
    'dense: the same row and matrix in bf16 through the dense product named above, the faster of both layouts',
    'inputs x outputs  weights  sparsity        us  floor us  share  dense us  speedup  of own dense    error',
    ...products.map((product) =>
      [
        `${product.inputs} x ${product.outputs}`.padEnd(16),
        product.weights.padEnd(7),
        `${(100 * product.sparsity).toFixed(0)} %`.padStart(8),
        product.microseconds.toFixed(2).padStart(8),
        product.floorMicroseconds.toFixed(2).padStart(8),
        `${(100 * product.share).toFixed(0)} %`.padStart(5),
        product.denseMicroseconds.toFixed(2).padStart(8),
        `${product.speedup.toFixed(2)}x`.padStart(7),
        `${product.speedupOfOwn.toFixed(2)}x`.padStart(12),
        product.error.toExponential(1).padStart(8),
      ].join('  '),
    ),
    ...failures.map(
      ({ inputs, outputs, weights, sparsity, failure }) =>
        `${inputs} x ${outputs}  ${weights}  ${(100 * sparsity).toFixed(0)} %  could not be run: ${failure}`,
    ),
  ];
}

async function report(
  result: StepResult,
  {
    device,
    args: { flags },
    trace,
  }: { readonly device: Device; readonly args: Arguments; readonly trace: string | undefined },
  output: Output,
): Promise<void> {
  const { profile, ...numbers } = result;
  const shares = profile && sharesOf(profile);
  if (profile && trace) await writeFileAtomic(trace, chromeTrace(profile));
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
  if (result.batch < result.usualBatch && flags.batch === undefined)
    output.line(
      `  ${result.batch} of the usual ${result.usualBatch} rows: the logits of more are larger than one binding of this adapter`,
    );
  if (shares) {
    const share = (100 * shareOfProducts(shares)).toFixed(1);
    output.line(`  matrix products take ${share} % of the step, by the device's own clock`);
  }
  const total = shares?.reduce((sum, { microseconds }) => sum + microseconds, 0) ?? 1;
  for (const { name, launches, microseconds } of shares?.slice(0, 25) ?? []) {
    const share = `${((100 * microseconds) / total).toFixed(1)} %`;
    output.line(
      `  ${name.padEnd(40)} ${String(launches).padStart(5)} x ${(microseconds / launches).toFixed(1).padStart(9)} us ${share.padStart(7)}`,
    );
  }
}
