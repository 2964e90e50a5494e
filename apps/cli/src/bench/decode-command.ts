/** `qsparse bench decode`: tables, a line of JSON for each model, and a chart of all of them. */
import { writeFileAtomic } from '@qsparse/formats/node';
import { type Arguments, deviceFlags, integerFlag, type Option } from '../command.ts';
import { openDevice } from '../open-device.ts';
import type { Output } from '../output.ts';
import {
  DECODE_SHAPES,
  DECODE_WEIGHTS,
  type DecodeResult,
  type DecodeShape,
  type DecodeWeights,
  timeDecode,
} from './decode.ts';
import { decodeChart } from './decode-chart.ts';
import { decodeLines } from './decode-lines.ts';
import { computeOf, list, numbers } from './flags.ts';
import { outputFile } from './output-file.ts';

export const DECODE_OPTIONS: Readonly<Record<string, Option>> = {
  shapes: {
    type: 'string',
    value: 'LIST',
    help: `decode: of ${Object.keys(DECODE_SHAPES).join(', ')} (default 1M)`,
  },
  weights: {
    type: 'string',
    value: 'LIST',
    help: `decode: of ${DECODE_WEIGHTS.join(', ')} (default ternary)`,
  },
  sparsities: {
    type: 'string',
    value: 'LIST',
    help: 'decode: shares left out (default 0,0.5,0.61,0.75; with --chart 0 to 0.9)',
  },
  layers: { type: 'string', value: 'N', help: "decode: blocks (default: the shape's)" },
  tokens: { type: 'string', value: 'N', help: 'decode: tokens to time for each (default 48)' },
  prompt: { type: 'string', value: 'N', help: 'decode: tokens in front of them (default 4)' },
  prefill: { type: 'string', value: 'N', help: 'decode: also times a prompt of N tokens' },
  vocabulary: { type: 'string', value: 'f32|int8', help: 'decode: embedding and head (default f32)' },
  batches: { type: 'string', value: 'LIST', help: 'decode: also times so many texts at once: 1,2,4,8' },
  chart: { type: 'string', value: 'FILE', help: 'decode: the curve over sparsity, as SVG' },
};

const USUAL = [0, 0.5, 0.61, 0.75];
const CURVE = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const COUNT = {
  what: 'whole numbers of at least 1',
  allows: (value: number) => Number.isInteger(value) && value >= 1,
};

/** What a model's measurement costs: the most memory of this process since it began. */
export interface MeasuredDecode extends DecodeResult {
  readonly device: string;
  readonly peakMegabytes: number;
}

/** Throws UsageError. */
export async function benchDecode(args: Arguments, output: Output): Promise<number> {
  const { flags } = args;
  const shapes = list('shapes', args, Object.keys(DECODE_SHAPES) as DecodeShape[], ['1M']);
  const kinds = list('weights', args, DECODE_WEIGHTS, ['ternary']);
  const integer = (name: string) => integerFlag('bench', name, flags[name], { min: 1 });
  const [layers, tokens = 48, prompt] = [integer('layers'), integer('tokens'), integer('prompt')];
  const prefill = integer('prefill');
  const sparsities = numbers('sparsities', args, flags.chart ? CURVE : USUAL, {
    what: 'numbers from 0 to below 1',
    allows: (share) => share >= 0 && share < 1,
  });
  const [kept] = list('vocabulary', args, ['f32', 'int8'], ['f32']);
  const vocabulary = kept === 'int8' ? kept : undefined;
  const batches = numbers('batches', args, [], COUNT);
  const threads = flags.threads === undefined ? [undefined] : numbers('threads', args, [], COUNT);
  const chart = await outputFile(flags.chart);
  const measured: MeasuredDecode[] = [];
  const measure = async (shape: DecodeShape, weights: DecodeWeights, count: number | undefined) => {
    const own = { ...args, flags: { ...flags, threads: count === undefined ? undefined : String(count) } };
    const device = await openDevice(deviceFlags('bench', own), (line) => output.error(line));
    try {
      const compute = weights === 'f32' ? 'f32' : computeOf(args, device);
      const options = {
        shape,
        weights,
        layers,
        sparsities,
        tokens,
        prompt,
        compute,
        prefill,
        batches,
        vocabulary,
      };
      const result = await timeDecode(device, options);
      const peakMegabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;
      measured.push({ device: device.description, peakMegabytes, ...result });
      if (flags.json) output.line(JSON.stringify(measured.at(-1)));
      else {
        for (const line of decodeLines(result)) output.line(line);
        output.line(`most memory of the process so far: ${peakMegabytes.toFixed(0)} MB`);
      }
    } finally {
      device.dispose();
    }
  };
  for (const shape of shapes)
    for (const weights of kinds) for (const count of threads) await measure(shape, weights, count);
  if (chart) {
    const [first] = measured;
    await writeFileAtomic(chart, decodeChart(measured, first?.device ?? ''));
    if (!flags.json) output.line(`the curve is in ${chart}`);
  }
  return 0;
}
