/**
 * A whole training step, captured: embedding, norm, attention, gate, loss, backward, clip, optimizer. It must learn,
 * agree with the same step run eagerly, and use no more memory after a thousand replays than after the first.
 */
import {
  adamw,
  adamwHyper,
  add,
  attention,
  backward,
  capture,
  crossEntropy,
  type Device,
  embedding,
  fillWith,
  gatedActivation,
  globalNorm,
  matmul,
  normal,
  type Param,
  type ParamArena,
  paramArena,
  reshape,
  rmsNorm,
  rope,
  ropeTable,
  scope,
  type Tensor,
  tensor,
  write,
  zeros,
} from '@qsparse/core';
import { sparsify, ternarize } from '@qsparse/quantizers';
import { expect } from 'vitest';

const [BATCH, TOKENS, WIDTH, HEADS, HIDDEN, VOCABULARY] = [2, 5, 8, 2, 12, 11];
const REPLAYS = 1000;

const SHAPES = {
  embedding: [VOCABULARY, WIDTH],
  norm: [WIDTH],
  query: [WIDTH, WIDTH],
  key: [WIDTH, WIDTH],
  value: [WIDTH, WIDTH],
  gate: [WIDTH, HIDDEN],
  up: [WIDTH, HIDDEN],
  down: [HIDDEN, WIDTH],
} as const;

interface Fixture {
  readonly arena: ParamArena;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly table: Tensor;
  dispose(): void;
}

function fixtureOn(device: Device): Fixture {
  const arena = paramArena(
    device,
    Object.entries(SHAPES).map(([name, shape]) => ({ name, shape })),
  );
  [...arena.params.values()].forEach((param, i) => {
    const numbers = normal(1, i, param.size);
    write(param, param.name === 'norm' ? numbers.fill(1) : numbers.map((x) => Math.fround(0.3 * x)));
  });
  const [m, v] = [zeros(device, arena.values.shape), zeros(device, arena.values.shape)];
  const headDim = WIDTH / HEADS;
  const angles = ropeTable({ length: TOKENS, headDim, theta: 100 });
  const table = tensor(device, angles, [TOKENS, headDim / 2, 2]);
  return {
    ...{ arena, m, v, table },
    dispose() {
      for (const x of [m, v, table]) x.dispose();
      arena.dispose();
    },
  };
}

type Inputs = Readonly<Record<'tokens' | 'targets' | 'hyper', Tensor>>;

function stepOf({ arena, m, v, table }: Fixture): (ins: Inputs) => { loss: Tensor; norm: Tensor } {
  const p = Object.fromEntries(arena.params) as Record<keyof typeof SHAPES, Param>;
  const heads = (x: Tensor) => reshape(x, [BATCH, TOKENS, HEADS, WIDTH / HEADS]); // [B, T, H, D]
  return ({ tokens, targets, hyper }) => {
    fillWith(arena.grads, 0);
    const x = embedding(p.embedding, tokens); // [B, T, d]
    const h = sparsify(x, { weight: p.norm, k: 5, int8: true });
    const q = rope(heads(matmul(h, ternarize(p.query).y)), table);
    const k = rope(heads(matmul(h, p.key)), table);
    const mixed = add(x, reshape(attention(q, k, heads(matmul(h, p.value))), x.shape));
    const g = rmsNorm(mixed, p.norm);
    const hidden = gatedActivation(matmul(g, p.gate), matmul(g, p.up), 'squared-relu');
    const y = add(mixed, matmul(sparsify(hidden, { k: 7 }), p.down));
    const loss = crossEntropy(matmul(y, p.embedding, { transposeB: true }), targets);
    backward(loss, arena.params.values());
    const norm = globalNorm(arena.grads);
    adamw({ value: arena.values, grad: arena.grads, m, v, norm, hyper });
    return { loss, norm };
  };
}

/** The inputs of step i, which change from step to step. */
function feed(ins: Inputs, i: number): void {
  const at = (offset: number) => (_: unknown, j: number) => (3 * j + i + offset) % VOCABULARY;
  write(ins.tokens, Array.from({ length: BATCH * TOKENS }, at(0)));
  write(ins.targets, Array.from({ length: BATCH * TOKENS }, at(1)));
  const hyper = { learningRate: 0.01, weightDecay: 0.01, beta1: 0.9, beta2: 0.95, step: i + 1, clipNorm: 1 };
  write(ins.hyper, adamwHyper({ ...hyper, beta2: 0.999 }));
}

function inputsOn(device: Device): Inputs {
  return {
    tokens: zeros(device, [BATCH, TOKENS], 'i32'),
    targets: zeros(device, [BATCH, TOKENS], 'i32'),
    hyper: zeros(device, [8]),
  };
}

export function registerStepTest(
  register: (name: string, body: (device: Device) => Promise<void>) => void,
): void {
  register('step: a captured training step equals the eager one', async (device) => {
    const [left, right] = [fixtureOn(device), fixtureOn(device)];
    const ins = inputsOn(device);
    const [eager, captured] = [stepOf(left), capture(stepOf(right))];
    for (let i = 0; i < 6; i++) {
      feed(ins, i);
      const expected = scope(() => eager(ins));
      const got = captured(ins);
      expect(await got.loss.item()).toBe(await expected.loss.item());
      expect(await got.norm.item()).toBe(await expected.norm.item());
      expected.loss.dispose();
      expected.norm.dispose();
    }
    expect(await right.arena.values.data()).toEqual(await left.arena.values.data());
    captured.dispose();
    for (const x of Object.values(ins)) x.dispose();
    left.dispose();
    right.dispose();
  });

  register(`step: ${REPLAYS} replays learn and do not grow`, async (device) => {
    const fixture = fixtureOn(device);
    const ins = inputsOn(device);
    const captured = capture(stepOf(fixture));
    const losses: number[] = [];
    let settled = device.memory();
    for (let i = 0; i < REPLAYS; i++) {
      feed(ins, i);
      const { loss } = captured(ins);
      if (i === 2) settled = device.memory();
      if (i % 100 === 0 || i === REPLAYS - 1) losses.push(await loss.item());
    }
    expect(device.memory()).toEqual(settled);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    captured.dispose();
    for (const x of Object.values(ins)) x.dispose();
    fixture.dispose();
  });
}
