/**
 * Training steps as a model writes them, twice: one op for each thing that happens, and with the fused ops, matrices
 * that lie side by side, and weights that are read in a compute dtype while their gradients add up in f32.
 */
import {
  adamw,
  add,
  attention,
  backward,
  castStraightThrough,
  crossEntropy,
  embedding,
  fillWith,
  gatedActivation,
  globalNorm,
  joined,
  matmul,
  type Param,
  type ParamArena,
  type ParamSpec,
  reshape,
  rmsNorm,
  rope,
  rotaryHeads,
  type Tensor,
} from '@qsparse/core';
import { gatedSparsify, sparsify, ternarize } from '@qsparse/quantizers';

export const SIZES = { batch: 2, tokens: 5, width: 8, heads: 2, hidden: 12, vocabulary: 11 };
const { batch: BATCH, tokens: TOKENS, width: WIDTH, heads: HEADS, hidden: HIDDEN } = SIZES;

/** What a step works on: parameters, moments, angles. */
export interface StepState {
  readonly arena: ParamArena;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly table: Tensor;
}

export type StepInputs = Readonly<Record<'tokens' | 'targets' | 'hyper', Tensor>>;
export type Step = (ins: StepInputs) => { readonly loss: Tensor; readonly norm: Tensor };

export interface StepKind {
  readonly specs: readonly ParamSpec[];
  make(state: StepState): Step;
}

const matrix = (name: string, rows: number, columns = WIDTH): ParamSpec => ({ name, shape: [rows, columns] });
const behind = (name: string, rows: number, columns = WIDTH): ParamSpec => ({
  ...matrix(name, rows, columns),
  adjacent: true,
});

/** Gradients, clip and optimizer, after the loss. */
function finish({ arena, m, v }: StepState, loss: Tensor, hyper: Tensor): ReturnType<Step> {
  backward(loss, arena.params.values());
  const norm = globalNorm(arena.grads);
  adamw({ value: arena.values, grad: arena.grads, m, v, norm, hyper });
  return { loss, norm };
}

const paramsOf = ({ arena }: StepState) =>
  Object.fromEntries(arena.params) as Readonly<Record<string, Param>>;

/** Every op by itself; weights are stored input by output. */
export const plainStep: StepKind = {
  specs: [
    matrix('embedding', SIZES.vocabulary),
    { name: 'norm', shape: [WIDTH] },
    ...['query', 'key', 'value'].map((name) => matrix(name, WIDTH)),
    ...['gate', 'up'].map((name) => matrix(name, WIDTH, HIDDEN)),
    matrix('down', HIDDEN),
  ],
  make(state) {
    const p = paramsOf(state);
    const { arena, table } = state;
    const heads = (x: Tensor) => reshape(x, [BATCH, TOKENS, HEADS, WIDTH / HEADS]); // [B, T, H, D]
    return ({ tokens, targets, hyper }) => {
      fillWith(arena.grads, 0);
      const x = embedding(p.embedding!, tokens); // [B, T, d]
      const h = sparsify(x, { weight: p.norm!, k: 5, int8: true });
      const q = rope(heads(matmul(h, ternarize(p.query!).y)), table);
      const k = rope(heads(matmul(h, p.key!)), table);
      const mixed = add(x, reshape(attention(q, k, heads(matmul(h, p.value!))), x.shape));
      const g = rmsNorm(mixed, p.norm);
      const hidden = gatedActivation(matmul(g, p.gate!), matmul(g, p.up!), 'squared-relu');
      const y = add(mixed, matmul(sparsify(hidden, { k: 7 }), p.down!));
      return finish(state, crossEntropy(matmul(y, p.embedding!, { transposeB: true }), targets), hyper);
    };
  },
};

/** Fused ops in `compute`; weights are stored output by input, those with one input side by side. */
export function fusedStep(compute: 'f32' | 'bf16'): StepKind {
  return {
    specs: [
      matrix('embedding', SIZES.vocabulary),
      ...[matrix('query', WIDTH), behind('key', WIDTH / HEADS), behind('value', WIDTH / HEADS)],
      matrix('out', WIDTH),
      ...[matrix('gate', HIDDEN), behind('up', HIDDEN)],
      matrix('down', WIDTH, HIDDEN),
      { name: 'norm', shape: [WIDTH] },
      { name: 'hiddenNorm', shape: [HIDDEN] },
    ],
    make(state) {
      const p = paramsOf(state);
      const { arena, table } = state;
      const times = (x: Tensor, weight: Param, more?: Tensor) =>
        matmul(x, castStraightThrough(weight, compute), { transposeB: true, add: more });
      const qkv = joined(arena, ['query', 'key', 'value']);
      const sections = [WIDTH, WIDTH / HEADS, WIDTH / HEADS];
      const gateUp = joined(arena, ['gate', 'up']);
      return ({ tokens, targets, hyper }) => {
        fillWith(arena.grads, 0);
        const words = castStraightThrough(p.embedding!, compute);
        const x = embedding(words, tokens); // [B, T, d]
        const h = sparsify(x, { weight: p.norm!, k: 5, int8: true });
        const projected = matmul(h, ternarize(qkv, { sections, dtype: compute }).y, { transposeB: true });
        const { query, key, value } = rotaryHeads(projected, table, { heads: HEADS, keyValueHeads: 1 });
        const mixed = times(reshape(attention(query, key, value), x.shape), p.out!, x);
        const both = times(rmsNorm(mixed, p.norm), gateUp); // [B, T, 2 f]
        const hidden = gatedSparsify(both, { weight: p.hiddenNorm!, k: 7, kind: 'squared-relu' });
        const y = times(hidden, p.down!, mixed);
        return finish(state, crossEntropy(matmul(y, words, { transposeB: true }), targets), hyper);
      };
    },
  };
}
