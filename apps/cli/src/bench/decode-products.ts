/**
 * Times the products of decoding, one row with a matrix of which only the active channels are read, against the device's
 * dense product of the same row in bf16 and against the bytes that must be read. Every launch has other weights and another
 * list, so many that the caches hold none of them; launches follow one another in one recorded program, as in a decoding
 * step. Each product is compared with float64 on the host first.
 */
import {
  byteLength,
  copy,
  globalNorm,
  matmul,
  noGrad,
  normal,
  randomWord,
  reshape,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@qsparse/core';
import { type ChannelList, channelBytes, sparseGemv, ternaryGemv } from '@qsparse/quantizers';
import { listSums, relativeError, ternarySums } from './product-check.ts';
import { type Draw, drawOn, type TimedDevice } from './timed-device.ts';

export const PRODUCT_WEIGHTS = ['f32', 'bf16', 'i8', 'ternary'] as const;
export type ProductWeights = (typeof PRODUCT_WEIGHTS)[number];

/** [inputs, outputs]: gate and up, and down, of a 7B model, of BitNet 2B4T and of a 1.3B model. */
const PRODUCT_SHAPES: readonly (readonly [inputs: number, outputs: number])[] = [
  [4096, 22_016],
  [11_008, 4096],
  [2560, 13_824],
  [6912, 2560],
  [2048, 11_008],
];
const PRODUCT_SPARSITIES: readonly number[] = [0, 0.4, 0.5, 0.6, 0.75, 0.9];

/** Which product it is. */
interface ProductCase {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: ProductWeights;
  /** Share of the inputs that is left out. */
  readonly sparsity: number;
  /** Name of one of `variants`, where there are some. */
  readonly variant?: string;
}

/** One that could not be run; the others are timed all the same. */
export interface ProductFailure extends ProductCase {
  readonly failure: string;
}

export interface ProductTime extends ProductCase {
  /** Median over replays, of one launch among many. */
  readonly microseconds: number;
  /** The active weights over the measured read rate. */
  readonly floorMicroseconds: number;
  /** floor / measured. */
  readonly share: number;
  /** Of the same row with the same matrix in bf16, through the device's dense product. */
  readonly denseMicroseconds: number;
  readonly speedup: number;
  /** Against the same kernel with all channels in the list. */
  readonly speedupOfOwn: number;
  /** ‖y - float64‖ / ‖float64‖ */
  readonly error: number;
}

export interface ProductTimes {
  /** Bytes read and written a second by a copy, and read by a sum of squares, in gigabytes. */
  readonly copyRate: number;
  readonly readRate: number;
  /** Microseconds of a launch that does next to nothing, in the same kind of program. */
  readonly launchMicroseconds: number;
  readonly products: readonly ProductTime[];
  readonly failures: readonly ProductFailure[];
}

export interface ProductOptions {
  readonly shapes?: readonly (readonly [inputs: number, outputs: number])[];
  readonly weights?: readonly ProductWeights[];
  readonly sparsities?: readonly number[];
  /** Floats of the tensor that the roofs are measured on. */
  readonly roofFloats?: number;
  /** Bytes that lie between two uses of the same ones: by default several times the last cache of any GPU. */
  readonly betweenUses?: number;
  /** Ways to run each product, one after the other on the same lists and weights; `use` is called before each. */
  readonly variants?: readonly ProductVariant[];
}

export interface ProductVariant {
  readonly name?: string;
  use?(): void;
}

const FEWEST_COPIES = 4;
const MOST_COPIES = 256;
const REPLAYS = 11;

export async function timeDecodeProducts(
  device: TimedDevice,
  {
    shapes = PRODUCT_SHAPES,
    weights = ['f32', 'bf16', 'ternary'],
    sparsities = PRODUCT_SPARSITIES,
    roofFloats = 2 ** 28,
    betweenUses = 400e6,
    variants = [{}],
  }: ProductOptions = {},
): Promise<ProductTimes> {
  const draw = drawOn(device, 2);
  const large = draw([roofFloats]);
  const bytes = 4 * large.size;
  const copyRate = (2 * bytes) / (await medianOf(device, 2, () => copy(large))) / 1e3;
  const readRate = bytes / (await medianOf(device, 2, () => globalNorm(large))) / 1e3;
  large.dispose();
  const little = zeros(device, [1]);
  const launchMicroseconds = await medianOf(device, 256, () => copy(little));
  little.dispose();
  const roof = Math.max(copyRate, readRate) * 1e3;
  // Enough of them that the first is out of the caches when it comes again.
  const copiesFor = (active: number): number =>
    Math.min(MOST_COPIES, Math.max(FEWEST_COPIES, Math.ceil(betweenUses / active)));
  const products: ProductTime[] = [];
  const failures: ProductFailure[] = [];
  for (const [inputs, outputs] of shapes) {
    const denseMicroseconds = await timeDense(device, draw, inputs, outputs, copiesFor(2 * inputs * outputs));
    for (const kind of weights) {
      const matrix = await drawMatrix(device, draw, kind, inputs, outputs);
      /** Microseconds of the full list, by variant. */
      const own = new Map<string | undefined, number>();
      for (const sparsity of sparsities) {
        const keep = Math.max(1, Math.round((1 - sparsity) * inputs));
        const active = (keep * matrix.bytes) / inputs;
        const floorMicroseconds = active / roof;
        for (const run of await timeProduct(device, matrix, keep, copiesFor(active), variants)) {
          const name = run.variant;
          const which = {
            inputs,
            outputs,
            weights: kind,
            sparsity,
            ...(name !== undefined && { variant: name }),
          };
          if ('failure' in run) {
            failures.push({ ...which, failure: run.failure });
            continue;
          }
          const { microseconds, error } = run;
          if (sparsity === 0) own.set(name, microseconds);
          products.push({
            ...{ ...which, microseconds, floorMicroseconds, denseMicroseconds },
            ...{ share: floorMicroseconds / microseconds, speedup: denseMicroseconds / microseconds },
            ...{ speedupOfOwn: (own.get(name) ?? Number.NaN) / microseconds, error },
          });
        }
      }
      matrix.dispose();
    }
  }
  return { copyRate, readRate, launchMicroseconds, products, failures };
}

/** Microseconds of one of `launches` runs of `work`, in one recorded program. */
export async function medianOf(
  device: TimedDevice,
  launches: number,
  work: (launch: number) => unknown,
): Promise<number> {
  const once = (launch: number): void => noGrad(() => scope(() => void work(launch)));
  // What is chosen at the first use is chosen outside of the recording.
  once(0);
  const recording = device.record();
  let program: ReturnType<typeof recording.end>;
  try {
    for (let launch = 0; launch < launches; launch++) once(launch);
    program = recording.end();
  } catch (error) {
    recording.abort();
    throw error;
  }
  try {
    const times: number[] = [];
    for (let i = 0; i < REPLAYS; i++) times.push(await device.time(() => program.replay()));
    return (1000 * times.sort((a, b) => a - b)[REPLAYS >> 1]!) / launches;
  } finally {
    program.dispose();
  }
}

/**
 * The faster of both ways in which a matrix may lie in memory. A device that keeps bf16 and does not compute in it has no dense
 * product of it: there it is the product with the list of all channels.
 */
async function timeDense(
  device: TimedDevice,
  draw: Draw,
  inputs: number,
  outputs: number,
  copies: number,
): Promise<number> {
  if (!device.caps.compute.includes('bf16')) {
    const matrix = await drawMatrix(device, draw, 'bf16', inputs, outputs);
    const [own] = await timeProduct(device, matrix, inputs, copies, [{}]);
    matrix.dispose();
    return own && 'microseconds' in own ? own.microseconds : Number.NaN;
  }
  const first = draw([inputs, outputs], 'bf16');
  const all = [first, ...Array.from({ length: copies - 1 }, () => copy(first))];
  const x = draw([1, inputs], 'bf16');
  const byInput = await medianOf(device, copies, (i) => matmul(x, all[i]!));
  const byOutput = await medianOf(device, copies, (i) =>
    matmul(x, reshape(all[i]!, [outputs, inputs]), { transposeB: true }),
  );
  for (const made of [x, ...all]) made.dispose();
  return Math.min(byInput, byOutput);
}

interface Matrix {
  readonly kind: ProductWeights;
  readonly inputs: number;
  readonly outputs: number;
  readonly bytes: number;
  readonly host: ArrayLike<number>;
  /** As many tensors of the same content as asked for. */
  copies(count: number): readonly Tensor[];
  dispose(): void;
}

async function drawMatrix(
  device: TimedDevice,
  draw: Draw,
  kind: ProductWeights,
  inputs: number,
  outputs: number,
): Promise<Matrix> {
  const isFloat = kind === 'f32' || kind === 'bf16';
  const width = kind === 'ternary' ? channelBytes(outputs) : outputs;
  const first = isFloat
    ? draw([inputs, width], kind)
    : tensor(device, kind === 'i8' ? levels(inputs * width) : trits(inputs * width), [inputs, width], 'i8');
  const all = [first];
  return {
    ...{ kind, inputs, outputs, bytes: byteLength(first.dtype, first.size), host: await first.data() },
    copies(count) {
      while (all.length < count) all.push(copy(first));
      return all;
    },
    dispose() {
      for (const one of all) one.dispose();
    },
  };
}

/** Random bytes are drawn for so many places, no power of two, and then repeated: drawing takes longest. */
const DRAWN = 1_000_003;

function repeated(count: number, draw: (i: number) => number): Int8Array {
  const first = Int8Array.from({ length: Math.min(count, DRAWN) }, (_, i) => draw(i));
  const all = new Int8Array(count);
  for (let at = 0; at < count; at += DRAWN) all.set(first.subarray(0, Math.min(DRAWN, count - at)), at);
  return all;
}

const levels = (count: number): Int8Array => repeated(count, (i) => (randomWord(5, 0, i) % 255) - 127);

/** Bytes of four codes 0, 1, 2. */
const trits = (count: number): Int8Array =>
  repeated(count, (i) => {
    const word = randomWord(6, 0, i);
    return [0, 8, 16, 24].reduce(
      (byte, from, field) => byte | ((((word >>> from) & 255) % 3) << (2 * field)),
      0,
    );
  });

interface HostList {
  readonly indices: Int32Array;
  readonly values: ArrayLike<number>;
}

/** A random set of `keep` channels, ascending, with values. */
function drawList(inputs: number, keep: number, isInt8: boolean, seed: number): HostList {
  const indices = new Int32Array(keep);
  let taken = 0;
  for (let i = 0; taken < keep; i++) {
    // Of the channels left, each is as likely as another.
    if (randomWord(seed, 1, i) / 2 ** 32 < (keep - taken) / (inputs - i)) indices[taken++] = i;
  }
  const values = isInt8
    ? Int8Array.from(indices, (_, i) => (randomWord(seed, 2, i) % 255) - 127)
    : Float32Array.from(normal(seed, 3, keep));
  return { indices, values };
}

type VariantResult =
  | { readonly variant: string | undefined; readonly microseconds: number; readonly error: number }
  | { readonly variant: string | undefined; readonly failure: string };

async function timeProduct(
  device: TimedDevice,
  matrix: Matrix,
  keep: number,
  copies: number,
  variants: readonly ProductVariant[],
): Promise<readonly VariantResult[]> {
  const { kind, inputs, outputs } = matrix;
  const isTernary = kind === 'ternary';
  const lists = Array.from({ length: copies }, (_, i) => drawList(inputs, keep, isTernary, 100 + i));
  const scale = tensor(device, [1], [1]);
  const scales = tensor(device, new Float32Array(outputs).fill(2 ** -8), [outputs]);
  const onDevice = lists.map(
    ({ indices, values }): ChannelList => ({
      indices: tensor(device, indices, [1, keep], 'i32'),
      values: tensor(device, values, [1, keep], isTernary ? 'i8' : 'f32'),
      count: tensor(device, [keep], [1], 'i32'),
      ...(isTernary && { scale }),
    }),
  );
  const weights = matrix.copies(copies);
  const product = (i: number): Tensor =>
    isTernary
      ? ternaryGemv(onDevice[i]!, { w: weights[i]!, scales })
      : sparseGemv(onDevice[i]!, weights[i]!, kind === 'i8' ? { scales } : {});
  const { indices, values } = lists[0]!;
  const sums = (isTernary ? ternarySums : listSums)(indices, values, matrix.host, outputs);
  const results: VariantResult[] = [];
  for (const { name: variant, use } of variants) {
    use?.();
    try {
      const y = noGrad(() => product(0));
      const error = relativeError(await y.data(), sums, isTernary || kind === 'i8' ? 2 ** -8 : 1);
      y.dispose();
      results.push({ variant, microseconds: await medianOf(device, copies, product), error });
    } catch (error) {
      results.push({ variant, failure: error instanceof Error ? error.message : String(error) });
    }
  }
  for (const list of onDevice) for (const one of [list.indices, list.values, list.count]) one.dispose();
  for (const one of [scale, scales]) one.dispose();
  return results;
}
