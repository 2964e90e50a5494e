/** The smallest language model: E[token] · Hᵀ with a norm between, so that the arena holds matrices and a vector. */
import {
  crossEntropy,
  type Device,
  embedding,
  matmul,
  normal,
  type Param,
  paramArena,
  rmsNorm,
  scale,
  write,
} from '@qsparse/core';
import type { Trainable } from '@qsparse/training';

export const VOCABULARY = 7;
const WIDTH = 5;

export interface Bigram extends Trainable {
  readonly embedding: Param;
  readonly norm: Param;
  readonly head: Param;
  /** Every level that was set, in order. */
  readonly levels: number[];
}

/** Its "sparsity" scales the hidden state by 1 − sparsity. */
export function bigram(device: Device): Bigram {
  const arena = paramArena(device, [
    { name: 'embedding', shape: [VOCABULARY, WIDTH] },
    { name: 'norm', shape: [WIDTH] },
    { name: 'head', shape: [VOCABULARY, WIDTH] },
  ]);
  const [table, norm, head] = ['embedding', 'norm', 'head'].map((name) => arena.params.get(name)!) as [
    Param,
    Param,
    Param,
  ];
  write(table, normal(1, 0, table.size));
  write(norm, new Float64Array(WIDTH).fill(1));
  write(head, normal(1, 1, head.size));
  const levels: number[] = [];
  return {
    device,
    arena,
    embedding: table,
    norm,
    head,
    levels,
    loss: (tokens, targets) => {
      const hidden = scale(rmsNorm(embedding(table, tokens), norm), 1 - (levels.at(-1) ?? 0));
      return crossEntropy(matmul(hidden, head, { transposeB: true }), targets);
    },
    setSparsity: (sparsity) => void levels.push(sparsity),
    firstNonFinite: async (tokens) =>
      (await tokens.data()).some((token) => token >= VOCABULARY) ? 'the embedding' : undefined,
  };
}
