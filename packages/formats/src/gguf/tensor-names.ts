// Names of tensors in Hugging Face checkpoints of the Llama family and in GGUF files, in both directions.

const WHOLE: readonly (readonly [huggingFace: string, gguf: string])[] = [
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['lm_head', 'output'],
];

const LAYER: readonly (readonly [huggingFace: string, gguf: string])[] = [
  ['input_layernorm', 'attn_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['self_attn.q_norm', 'attn_q_norm'],
  ['self_attn.k_norm', 'attn_k_norm'],
  ['self_attn.attn_sub_norm', 'attn_sub_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
  ['mlp.ffn_sub_norm', 'ffn_sub_norm'],
];

const KIND = '(weight|bias)';

/** `model.layers.0.mlp.up_proj.weight` to `blk.0.ffn_up.weight`; undefined for a name that has no counterpart. */
export function ggufTensorName(huggingFace: string): string | undefined {
  return rename(huggingFace, { from: 0, to: 1, layer: /^model\.layers\.(\d+)\.(.+)$/, prefix: 'blk' });
}

/** `blk.0.ffn_up.weight` to `model.layers.0.mlp.up_proj.weight`; undefined for a name that has no counterpart. */
export function huggingFaceTensorName(gguf: string): string | undefined {
  return rename(gguf, { from: 1, to: 0, layer: /^blk\.(\d+)\.(.+)$/, prefix: 'model.layers' });
}

interface Direction {
  readonly from: 0 | 1;
  readonly to: 0 | 1;
  readonly layer: RegExp;
  /** What stands before the layer's number. */
  readonly prefix: string;
}

function rename(name: string, { from, to, layer, prefix }: Direction): string | undefined {
  const [, stem, kind] = new RegExp(`^(.+)\\.${KIND}$`).exec(name) ?? [];
  if (stem === undefined) return undefined;
  const whole = WHOLE.find((pair) => pair[from] === stem);
  if (whole) return `${whole[to]}.${kind}`;
  const [, number, rest] = layer.exec(stem) ?? [];
  const part = LAYER.find((pair) => pair[from] === rest);
  return part && `${prefix}.${number}.${part[to]}.${kind}`;
}
