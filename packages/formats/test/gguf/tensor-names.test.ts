import { ggufTensorName, huggingFaceTensorName } from '@qsparse/formats/gguf';
import { expect, test } from 'vitest';

/** From the documentation of llama.cpp and from a Llama checkpoint, by hand. */
const PAIRS = [
  ['model.embed_tokens.weight', 'token_embd.weight'],
  ['model.norm.weight', 'output_norm.weight'],
  ['lm_head.weight', 'output.weight'],
  ['model.layers.0.input_layernorm.weight', 'blk.0.attn_norm.weight'],
  ['model.layers.7.self_attn.q_proj.weight', 'blk.7.attn_q.weight'],
  ['model.layers.7.self_attn.q_proj.bias', 'blk.7.attn_q.bias'],
  ['model.layers.7.self_attn.k_proj.weight', 'blk.7.attn_k.weight'],
  ['model.layers.7.self_attn.v_proj.weight', 'blk.7.attn_v.weight'],
  ['model.layers.31.self_attn.o_proj.weight', 'blk.31.attn_output.weight'],
  ['model.layers.31.self_attn.q_norm.weight', 'blk.31.attn_q_norm.weight'],
  ['model.layers.31.self_attn.k_norm.weight', 'blk.31.attn_k_norm.weight'],
  ['model.layers.31.self_attn.attn_sub_norm.weight', 'blk.31.attn_sub_norm.weight'],
  ['model.layers.10.post_attention_layernorm.weight', 'blk.10.ffn_norm.weight'],
  ['model.layers.10.mlp.gate_proj.weight', 'blk.10.ffn_gate.weight'],
  ['model.layers.10.mlp.up_proj.weight', 'blk.10.ffn_up.weight'],
  ['model.layers.10.mlp.down_proj.weight', 'blk.10.ffn_down.weight'],
  ['model.layers.10.mlp.ffn_sub_norm.weight', 'blk.10.ffn_sub_norm.weight'],
] as const;

test.each(PAIRS)('%s is %s, and back', (huggingFace, gguf) => {
  expect(ggufTensorName(huggingFace)).toBe(gguf);
  expect(huggingFaceTensorName(gguf)).toBe(huggingFace);
});

test('other names have no counterpart', () => {
  const strange = [
    '',
    'weight',
    'model.layers.0.weight',
    'model.layers.x.mlp.up_proj.weight',
    'model.layers.0.self_attn.rotary_emb.inv_freq',
    'model.layers.0.mlp.up_proj.weight_scale',
    'amodel.norm.weight',
    'model.layers.0.model.norm.weight',
    'rope_freqs.weight',
    'blk.0.ffn_gate_inp.weight',
    'blk.0.constructor.weight',
    'model.layers.0.constructor.weight',
  ];
  for (const name of strange) {
    expect(ggufTensorName(name), name).toBeUndefined();
    expect(huggingFaceTensorName(name), name).toBeUndefined();
  }
});
