/** The models that engines are compared at: Llama's layers, weights drawn at random, since speed does not depend on them. */

export interface PeerShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabularySize: number;
}

/** By the names that `qsparse bench decode --shapes` has for them. `1M` is for trying things out. */
export const PEER_SHAPES = {
  '1M': {
    ...{ hiddenSize: 256, intermediateSize: 768, layers: 2, heads: 4, keyValueHeads: 4 },
    vocabularySize: 512,
  },
  '214M': {
    ...{ hiddenSize: 1024, intermediateSize: 2816, layers: 16, heads: 16, keyValueHeads: 16 },
    vocabularySize: 8192,
  },
  '2B4T': {
    ...{ hiddenSize: 2560, intermediateSize: 6912, layers: 30, heads: 20, keyValueHeads: 5 },
    vocabularySize: 32_768,
  },
} as const satisfies Readonly<Record<string, PeerShape>>;
export type PeerShapeName = keyof typeof PEER_SHAPES;

/** Tokens that engines hold at most. */
export const CONTEXT = 1024;

/** A linear layer: rows of `inputs` weights. */
export interface LinearShape {
  readonly name: string;
  readonly outputs: number;
  readonly inputs: number;
}

/** Of one block, by the names that Hugging Face's checkpoints have. */
export function blockLinears({
  hiddenSize: d,
  intermediateSize: f,
  heads,
  keyValueHeads,
}: PeerShape): readonly LinearShape[] {
  const groups = (d / heads) * keyValueHeads;
  return [
    { name: 'self_attn.q_proj', outputs: d, inputs: d },
    { name: 'self_attn.k_proj', outputs: groups, inputs: d },
    { name: 'self_attn.v_proj', outputs: groups, inputs: d },
    { name: 'self_attn.o_proj', outputs: d, inputs: d },
    { name: 'mlp.gate_proj', outputs: f, inputs: d },
    { name: 'mlp.up_proj', outputs: f, inputs: d },
    { name: 'mlp.down_proj', outputs: d, inputs: f },
  ];
}

/** Numbers from 0 to below 1, the same for a seed (xorshift of 32 bits). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}
