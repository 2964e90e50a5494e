/** The parameters of a decoder: names (as Hugging Face writes them), shapes, first values, counts. */
import { normal, type ParamSpec, sizeOf, write } from '@qsparse/core';
import type { DecoderConfig } from './config.ts';
import type { Decoder } from './decoder.ts';

/** Every parameter of a decoder, in the order of the model. */
export function decoderParams(config: DecoderConfig): readonly ParamSpec[] {
  const {
    hiddenSize: d,
    intermediateSize: f,
    heads,
    keyValueHeads,
    headSize,
    vocabularySize,
    subLayerNorms,
  } = config;
  const attentionWidth = heads * headSize;
  const keyValueWidth = keyValueHeads * headSize;
  const specs: ParamSpec[] = [{ name: 'model.embed_tokens.weight', shape: [vocabularySize, d] }];
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    specs.push(
      { name: `${layer}.input_layernorm.weight`, shape: [d] },
      { name: `${layer}.self_attn.q_proj.weight`, shape: [attentionWidth, d] },
      { name: `${layer}.self_attn.k_proj.weight`, shape: [keyValueWidth, d] },
      { name: `${layer}.self_attn.v_proj.weight`, shape: [keyValueWidth, d] },
      ...(subLayerNorms
        ? [{ name: `${layer}.self_attn.attn_sub_norm.weight`, shape: [attentionWidth] }]
        : []),
      { name: `${layer}.self_attn.o_proj.weight`, shape: [d, attentionWidth] },
      { name: `${layer}.post_attention_layernorm.weight`, shape: [d] },
      { name: `${layer}.mlp.gate_proj.weight`, shape: [f, d] },
      { name: `${layer}.mlp.up_proj.weight`, shape: [f, d] },
      ...(subLayerNorms ? [{ name: `${layer}.mlp.ffn_sub_norm.weight`, shape: [f] }] : []),
      { name: `${layer}.mlp.down_proj.weight`, shape: [d, f] },
    );
  }
  specs.push({ name: 'model.norm.weight', shape: [d] });
  if (!config.tiedEmbedding) specs.push({ name: 'lm_head.weight', shape: [vocabularySize, d] });
  return specs;
}

export interface ParameterCount {
  readonly total: number;
  /** In the linear layers of the blocks: what sparsity and ternary weights act on. */
  readonly linear: number;
  /** In the embedding and an untied head. */
  readonly embedding: number;
}

export function countParameters(config: DecoderConfig): ParameterCount {
  let total = 0;
  let linear = 0;
  let embedding = 0;
  for (const { name, shape } of decoderParams(config)) {
    const size = sizeOf(shape);
    total += size;
    if (name.includes('_proj.')) linear += size;
    if (name.includes('embed_tokens') || name.includes('lm_head')) embedding += size;
  }
  return { total, linear, embedding };
}

/** The linear layers that read each site, for weighting its sparsity by parameters. */
export function siteParameters(config: DecoderConfig): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, shape } of decoderParams(config)) {
    const [, layer, projection] = /layers\.(\d+)\..*\.(\w+)_proj\.weight/.exec(name) ?? [];
    if (!projection) continue;
    const site = { q: 'qkv', k: 'qkv', v: 'qkv', o: 'o', gate: 'gate-up', up: 'gate-up', down: 'down' }[
      projection
    ];
    const key = `layers.${layer}.${site}`;
    sizes.set(key, (sizes.get(key) ?? 0) + sizeOf(shape));
  }
  return sizes;
}

/**
 * First values: normal with standard deviation 0.02, the projections that write to the residual stream scaled down by
 * sqrt(2 layers) (GPT-2), norms 1. The same seed gives the same values on every device.
 */
export function initialize(model: Decoder, seed: number): void {
  const deviation = 0.02;
  let stream = 0;
  for (const { name, shape } of decoderParams(model.config)) {
    const param = model.arena.params.get(name)!;
    const size = sizeOf(shape);
    if (shape.length === 1) write(param, new Float64Array(size).fill(1));
    else {
      const residual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
      const scale = residual ? deviation / Math.sqrt(2 * model.config.layers) : deviation;
      write(
        param,
        normal(seed, stream, size).map((z) => z * scale),
      );
    }
    stream += 1;
  }
}
