/** The parameters of a decoder: names (as Hugging Face writes them), shapes, first values, counts. */
import { fillRandom, fillWith, type ParamSpec, randomState, sizeOf, tensor } from '@qsparse/core';
import type { DecoderConfig, SiteName } from './config.ts';
import type { Decoder } from './decoder.ts';

/** Every parameter of a decoder, in the order of the model. */
export function decoderParams(config: DecoderConfig): readonly ParamSpec[] {
  const { hiddenSize: d, intermediateSize: f, heads, keyValueHeads, headSize, vocabularySize } = config;
  const attentionWidth = heads * headSize;
  const keyValueWidth = keyValueHeads * headSize;
  const specs: ParamSpec[] = [];
  const add = (name: string, ...shape: number[]) => specs.push({ name: `${name}.weight`, shape });
  /** Behind the one before it in memory, so that one product does the work of both. */
  const addAdjacent = (name: string, ...shape: number[]) =>
    specs.push({ name: `${name}.weight`, shape, adjacent: true });
  /** Biases of linear layers that read one site, one behind the other. */
  const addBiases = (site: SiteName, sizes: Readonly<Record<string, number>>) => {
    if (!config.biases?.includes(site)) return;
    for (const [i, [name, size]] of Object.entries(sizes).entries())
      specs.push({ name: `${name}.bias`, shape: [size], ...(i > 0 && { adjacent: true }) });
  };
  add('model.embed_tokens', vocabularySize, d);
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`;
    add(`${layer}.input_layernorm`, d);
    add(`${layer}.self_attn.q_proj`, attentionWidth, d);
    addAdjacent(`${layer}.self_attn.k_proj`, keyValueWidth, d);
    addAdjacent(`${layer}.self_attn.v_proj`, keyValueWidth, d);
    addBiases('qkv', {
      [`${layer}.self_attn.q_proj`]: attentionWidth,
      [`${layer}.self_attn.k_proj`]: keyValueWidth,
      [`${layer}.self_attn.v_proj`]: keyValueWidth,
    });
    if (config.queryKeyNorm) {
      add(`${layer}.self_attn.q_norm`, headSize);
      add(`${layer}.self_attn.k_norm`, headSize);
    }
    if (config.subLayerNorms) add(`${layer}.self_attn.attn_sub_norm`, attentionWidth);
    add(`${layer}.self_attn.o_proj`, d, attentionWidth);
    addBiases('o', { [`${layer}.self_attn.o_proj`]: d });
    add(`${layer}.post_attention_layernorm`, d);
    add(`${layer}.mlp.gate_proj`, f, d);
    addAdjacent(`${layer}.mlp.up_proj`, f, d);
    addBiases('gate-up', { [`${layer}.mlp.gate_proj`]: f, [`${layer}.mlp.up_proj`]: f });
    if (config.subLayerNorms) add(`${layer}.mlp.ffn_sub_norm`, f);
    add(`${layer}.mlp.down_proj`, d, f);
    addBiases('down', { [`${layer}.mlp.down_proj`]: d });
  }
  add('model.norm', d);
  if (!config.tiedEmbedding) add('lm_head', vocabularySize, d);
  return specs;
}

/** Whether a parameter is a weight of a linear layer of the blocks: what is ternary in ternary models; embedding and head stay full. */
export const isLinearWeight = (name: string): boolean => name.endsWith('_proj.weight');

export interface ParameterCount {
  readonly total: number;
  /** In the linear layers of the blocks: what sparsity and ternary weights act on. */
  readonly linear: number;
  /** In the embedding and an untied head. */
  readonly embedding: number;
}

export function countParameters(config: DecoderConfig): ParameterCount {
  const sum = (sizes: Iterable<number>) => [...sizes].reduce((total, size) => total + size, 0);
  return {
    total: sum(decoderParams(config).map(({ shape }) => sizeOf(shape))),
    linear: sum(siteParameters(config).values()),
    embedding: config.vocabularySize * config.hiddenSize * (config.tiedEmbedding ? 1 : 2),
  };
}

/** Parameters of the linear layers that read each site, in the order of the model: the weights of its sparsity. */
export function siteParameters(config: DecoderConfig): ReadonlyMap<string, number> {
  const { hiddenSize: d, intermediateSize: f, heads, keyValueHeads, headSize } = config;
  const sizes = new Map<string, number>();
  for (let i = 0; i < config.layers; i++) {
    sizes.set(`layers.${i}.qkv`, (heads + 2 * keyValueHeads) * headSize * d);
    sizes.set(`layers.${i}.o`, d * heads * headSize);
    sizes.set(`layers.${i}.gate-up`, 2 * f * d);
    sizes.set(`layers.${i}.down`, d * f);
  }
  return sizes;
}

/** Standard deviation of first values (GPT-2, BitNet b1.58). */
const DEVIATION = 0.02;

/**
 * First values: normal with standard deviation 0.02, norms 1, biases 0. In full precision the projections that write to the
 * residual stream are scaled down by sqrt(2 layers) (GPT-2); ternary weights have a scale of their own, and small ones would
 * only change sign more often at the same learning rate (docs/evidence). The same seed (a whole number below 2^53) gives
 * the same values on every device.
 */
export function initialize({ device, config, arena }: Decoder, seed: number): void {
  const isTernary = config.linear.weights === 'ternary';
  const residual = isTernary ? DEVIATION : DEVIATION / Math.sqrt(2 * config.layers);
  for (const [stream, { name, shape }] of decoderParams(config).entries()) {
    const param = arena.params.get(name);
    if (!param) continue; // packed
    if (shape.length === 1) {
      fillWith(param, name.endsWith('.bias') ? 0 : 1);
      continue;
    }
    const scale = /\.(o|down)_proj\./.test(name) ? residual : DEVIATION;
    const state = tensor(device, randomState(seed, stream), [4], 'i32');
    fillRandom(param, state, { distribution: 'normal', scale });
    state.dispose();
  }
}
