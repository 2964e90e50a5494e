/**
 * LoRA (Hu et al., arXiv 2106.09685): a frozen weight W and a trained update of low rank,
 *
 *   W' = W + (alpha / rank) · B A,   A [rank, n], B [m, rank], B = 0 at first.
 *
 * W' is made before the product, and before it is rounded where weights are ternary. So a merged model computes what was
 * trained, ternary ones too, which adding B A x to the output would not give.
 */
import {
  add,
  concat,
  fillRandom,
  fillWith,
  matmul,
  type Param,
  type ParamArena,
  type ParamSpec,
  paramArena,
  randomState,
  scale,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import type { Decoder, DecoderBlock } from './decoder.ts';
import { decoderParams } from './parameters.ts';

/** The update of matrices that lie under one another in one weight; a matrix without A and B stays as it is. */
export interface LowRankUpdate {
  /** alpha / rank. */
  readonly scale: number;
  readonly sections: readonly LowRankSection[];
}

export interface LowRankSection {
  /** Rows of this matrix in the weight. */
  readonly rows: number;
  readonly factors?: { readonly a: Param; readonly b: Param } | undefined;
}

/** weight [m, n] + the update, f32. */
export function updatedWeight(weight: Tensor, { scale: factor, sections }: LowRankUpdate): Tensor {
  const width = weight.shape.at(-1)!;
  const deltas = sections.map(({ rows, factors }) =>
    factors ? scale(matmul(factors.b, factors.a), factor) : zeros(weight.device, [rows, width]),
  );
  return add(weight, deltas.length === 1 ? deltas[0]! : concat(deltas, 0));
}

/** Linear layers that an adapter can act on, by their names in checkpoints. */
export const LORA_TARGETS = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
export type LoraTarget = (typeof LORA_TARGETS)[number];

export interface LoraOptions {
  /** At least 1. */
  readonly rank: number;
  /** The update is scaled by alpha / rank. */
  readonly alpha: number;
  /** At least one. */
  readonly targets: readonly LoraTarget[];
}

/** A and B of every target, under PEFT's names: `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. Throws ValueError. */
export function loraParams(
  config: DecoderConfig,
  { rank, alpha, targets }: LoraOptions,
): readonly ParamSpec[] {
  if (!Number.isSafeInteger(rank) || rank < 1)
    throw new ValueError('lora', `rank must be a whole number of at least 1, got ${rank}`);
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new ValueError('lora', `alpha must be above 0, got ${alpha}`);
  const unknown = targets.find((target) => !LORA_TARGETS.includes(target));
  if (targets.length === 0 || unknown !== undefined)
    throw new ValueError(
      'lora',
      `targets must be some of ${LORA_TARGETS.join(', ')}, got ${unknown ?? 'none'}`,
    );
  return decoderParams(config).flatMap(({ name, shape }) => {
    const [base, target] = /^(.*\.(\w+_proj))\.weight$/.exec(name)?.slice(1) ?? [];
    if (!base || !targets.includes(target as LoraTarget)) return [];
    return [
      { name: `base_model.model.${base}.lora_A.weight`, shape: [rank, shape[1]!] },
      { name: `base_model.model.${base}.lora_B.weight`, shape: [shape[0]!, rank] },
    ];
  });
}

/**
 * The same decoder with an adapter: its `arena` holds the adapter alone, the weights of `base` (made without gradients) are
 * constants. A is normal with the variance of PEFT's first values, 1 / (3 n); B is zero, so that nothing has changed yet.
 * Disposing it disposes `base` too. Throws ValueError for options out of range.
 */
export function withLora(base: Decoder, options: LoraOptions, seed: number): Decoder {
  const specs = loraParams(base.config, options);
  const arena = paramArena(base.device, specs);
  for (const [stream, { name, shape }] of specs.entries()) {
    const param = arena.params.get(name)!;
    if (name.endsWith('.lora_B.weight')) {
      fillWith(param, 0);
      continue;
    }
    const state = tensor(base.device, randomState(seed, stream), [4], 'i32');
    fillRandom(param, state, { distribution: 'normal', scale: 1 / Math.sqrt(3 * shape[1]!) });
    state.dispose();
  }
  const factor = options.alpha / options.rank;
  return {
    ...base,
    packed: undefined,
    arena,
    blocks: base.blocks.map((block, layer) => withUpdates(block, layer, base.config, arena, factor)),
    dispose() {
      arena.dispose();
      base.dispose();
    },
  };
}

function withUpdates(
  { attention, feedForward }: DecoderBlock,
  layer: number,
  { heads, keyValueHeads, headSize, hiddenSize, intermediateSize }: DecoderConfig,
  arena: ParamArena,
  factor: number,
): DecoderBlock {
  const section = (name: string, rows: number): LowRankSection => {
    const a = arena.params.get(`base_model.model.model.layers.${layer}.${name}.lora_A.weight`);
    const b = arena.params.get(`base_model.model.model.layers.${layer}.${name}.lora_B.weight`);
    return { rows, factors: a && b && { a, b } };
  };
  const update = (...sections: readonly LowRankSection[]): LowRankUpdate | undefined =>
    sections.some(({ factors }) => factors) ? { scale: factor, sections } : undefined;
  return {
    attention: {
      ...attention,
      queryKeyValueUpdate: update(
        section('self_attn.q_proj', heads * headSize),
        section('self_attn.k_proj', keyValueHeads * headSize),
        section('self_attn.v_proj', keyValueHeads * headSize),
      ),
      outputUpdate: update(section('self_attn.o_proj', hiddenSize)),
    },
    feedForward: {
      ...feedForward,
      gateUpUpdate: update(
        section('mlp.gate_proj', intermediateSize),
        section('mlp.up_proj', intermediateSize),
      ),
      downUpdate: update(section('mlp.down_proj', hiddenSize)),
    },
  };
}
