/**
 * The linear layers of a decoder in the form of packed.ts, made once from its weights. What is ternary is rounded by the
 * device, as it is for every dense product, so that both forms have the same weights to the last one.
 */
import {
  cast,
  hasKernel,
  keep,
  NonFiniteError,
  noGrad,
  type Param,
  permute,
  scope,
  type Tensor,
  tensor,
  ValueError,
} from '@qsparse/core';
import { channelBytes, packChannelMajor, sparseGemvOp, ternarize, ternaryGemvOp } from '@qsparse/quantizers';
import { type DecoderConfig, siteWidths, sparsityAt } from './config.ts';
import type { Decoder, DecoderBlock } from './decoder.ts';
import type { PackedBlock, PackedDecoder, PackedLinear } from './packed.ts';

export interface PackOptions {
  /** Of weights that are not ternary; bf16 rounds them. Default: what the model computes in. */
  readonly weights?: 'f32' | 'bf16' | undefined;
  /** An AbortSignal: throws its reason between two matrices. */
  readonly signal?: { throwIfAborted(): void } | undefined;
}

/**
 * Sequences at once up to which packed products of one token each are faster than dense ones: measured on 2 threads of the
 * CPU device. Dense ternary products round all weights first, which is what makes theirs so many.
 */
const MOST_ROWS = { ternary: 64, plain: 8 };

/**
 * For `model.packed`, and then owned by the model: a copy of its linear layers beside the weights. These must not change from
 * then on, but the sparsity may. Throws ValueError for a model with an adapter, NonFiniteError for ternary weights that are
 * not finite, and the signal's reason.
 */
export async function packDecoder(model: Decoder, options: PackOptions = {}): Promise<PackedDecoder> {
  const { blocks, config } = model;
  const made: PackedLinear[] = [];
  const release = (): void => {
    for (const { w, scales } of made) {
      w.dispose();
      scales?.dispose();
    }
  };
  const pack = async (weight: Param, sections: readonly number[]): Promise<PackedLinear> => {
    options.signal?.throwIfAborted();
    const packed = isTernary(config)
      ? await packTernary(model, weight, sections)
      : packPlain(model, weight, options);
    made.push(packed);
    return packed;
  };
  try {
    const packed: PackedBlock[] = [];
    for (const block of blocks) {
      requireNoAdapter(block);
      const { attention, feedForward } = block;
      const [groups, f] = [config.keyValueHeads * config.headSize, config.intermediateSize];
      packed.push({
        queryKeyValue: await pack(attention.queryKeyValue, [config.heads * config.headSize, groups, groups]),
        output: await pack(attention.output, [config.hiddenSize]),
        gateUp: await pack(feedForward.gateUp, [f, f]),
        down: await pack(feedForward.down, [config.hiddenSize]),
      });
    }
    const bytes = made.flatMap(({ w, scales }) => [w, scales]).reduce((sum, part) => sum + bytesOf(part), 0);
    const mostRows = isTernary(config) ? MOST_ROWS.ternary : MOST_ROWS.plain;
    return { blocks: packed, mostRows, bytes, dispose: release };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * Whether tokens come faster from packed weights: the device has the kernel, and the model is ternary or leaves inputs out.
 */
export function packsFaster({ device, config }: Decoder): boolean {
  if (isTernary(config)) {
    return hasKernel(device, config.linear.activations === 'int8' ? ternaryGemvOp : sparseGemvOp);
  }
  const leavesOut = [...siteWidths(config).keys()].some(
    (site) => sparsityAt(config.linear, site).kind !== 'dense',
  );
  return leavesOut && hasKernel(device, sparseGemvOp);
}

const isTernary = ({ linear }: DecoderConfig): boolean => linear.weights === 'ternary';

const bytesOf = (part: Tensor | undefined): number =>
  part ? part.size * ({ f32: 4, bf16: 2, i8: 1 } as Record<string, number>)[part.dtype]! : 0;

function requireNoAdapter({ attention, feedForward }: DecoderBlock): void {
  const { queryKeyValueUpdate, outputUpdate } = attention;
  const { gateUpUpdate, downUpdate } = feedForward;
  if (!queryKeyValueUpdate && !outputUpdate && !gateUpUpdate && !downUpdate) return;
  throw new ValueError(
    'packDecoder',
    'takes a model without an adapter, got one with LoRA',
    'merge it first',
  );
}

function packPlain({ compute }: Decoder, weight: Param, { weights = compute }: PackOptions): PackedLinear {
  const w = noGrad(() => scope(() => keep(cast(permute(weight, [1, 0]), weights))));
  return { kind: 'plain', w, scales: undefined };
}

/** Weights with int8 activations in 2 bits, with others in bytes. */
async function packTernary(
  { device, config }: Decoder,
  weight: Param,
  sections: readonly number[],
): Promise<PackedLinear> {
  const [outputs, inputs] = weight.shape as [number, number];
  const { y, alpha } = noGrad(() => ternarize(weight, { sections }));
  try {
    const factors = await alpha.data();
    const codes = signs(await y.data());
    if (!factors.every(Number.isFinite)) {
      throw new NonFiniteError(
        'packDecoder',
        'weights must be finite, got NaN or infinity',
        'load them again',
      );
    }
    const scales = sections.flatMap((rows, i) => new Array<number>(rows).fill(factors[i]!));
    const rowScales = keep(tensor(device, scales, [outputs]));
    if (config.linear.activations === 'int8') {
      const bytes = new Int8Array(packChannelMajor(codes, outputs, inputs).buffer);
      const w = keep(tensor(device, bytes, [inputs, channelBytes(outputs)], 'i8'));
      return { kind: 'ternary', w, scales: rowScales };
    }
    return {
      kind: 'plain',
      w: keep(tensor(device, transposed(codes, outputs, inputs), [inputs, outputs], 'i8')),
      scales: rowScales,
    };
  } finally {
    y.dispose();
    alpha.dispose();
  }
}

function signs(weights: ArrayLike<number>): Int8Array {
  const codes = new Int8Array(weights.length);
  for (let i = 0; i < codes.length; i++) codes[i] = Math.sign(weights[i]!);
  return codes;
}

function transposed(codes: Int8Array, outputs: number, inputs: number): Int8Array {
  const result = new Int8Array(codes.length);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++)
      result[input * outputs + output] = codes[output * inputs + input]!;
  }
  return result;
}
