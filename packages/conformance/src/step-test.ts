/**
 * A whole training step, captured: embedding, norm, attention, gate, loss, backward, clip, optimizer. It must learn,
 * agree with the same step run eagerly, and use no more memory after a thousand replays than after the first.
 */
import {
  adamwHyper,
  capture,
  type Device,
  DTypeError,
  normal,
  paramArena,
  ropeTable,
  scope,
  tensor,
  write,
  zeros,
} from '@qsparse/core';
import { expect } from 'vitest';
import {
  fusedStep,
  plainStep,
  SIZES,
  type StepInputs,
  type StepKind,
  type StepState,
} from './training-steps.ts';

const REPLAYS = 1000;

interface Fixture extends StepState {
  dispose(): void;
}

function fixtureOn(device: Device, { specs }: StepKind): Fixture {
  const arena = paramArena(device, specs);
  [...arena.params.values()].forEach((param, i) => {
    const numbers = normal(1, i, param.size);
    write(param, param.shape.length === 1 ? numbers.fill(1) : numbers.map((x) => Math.fround(0.3 * x)));
  });
  const [m, v] = [zeros(device, arena.values.shape), zeros(device, arena.values.shape)];
  const { tokens, width, heads } = SIZES;
  const headDim = width / heads;
  const angles = ropeTable({ length: tokens, headDim, theta: 100 });
  const table = tensor(device, angles, [tokens, headDim / 2, 2]);
  return {
    ...{ arena, m, v, table },
    dispose() {
      for (const x of [m, v, table]) x.dispose();
      arena.dispose();
    },
  };
}

/** The inputs of step i, which change from step to step. */
function feed(ins: StepInputs, i: number): void {
  const at = (offset: number) => (_: unknown, j: number) => (3 * j + i + offset) % SIZES.vocabulary;
  write(ins.tokens, Array.from({ length: ins.tokens.size }, at(0)));
  write(ins.targets, Array.from({ length: ins.targets.size }, at(1)));
  const hyper = { learningRate: 0.01, weightDecay: 0.01, beta1: 0.9, beta2: 0.95, step: i + 1, clipNorm: 1 };
  write(ins.hyper, adamwHyper({ ...hyper, beta2: 0.999 }));
}

function inputsOn(device: Device): StepInputs {
  const { batch, tokens } = SIZES;
  return {
    tokens: zeros(device, [batch, tokens], 'i32'),
    targets: zeros(device, [batch, tokens], 'i32'),
    hyper: zeros(device, [8]),
  };
}

async function checkEager(device: Device, kind: StepKind): Promise<void> {
  const [left, right] = [fixtureOn(device, kind), fixtureOn(device, kind)];
  const ins = inputsOn(device);
  const [eager, captured] = [kind.make(left), capture(kind.make(right))];
  try {
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
  } finally {
    captured.dispose();
    for (const x of Object.values(ins)) x.dispose();
    left.dispose();
    right.dispose();
  }
}

async function checkLearning(device: Device, kind: StepKind, replays: number): Promise<void> {
  const fixture = fixtureOn(device, kind);
  const ins = inputsOn(device);
  const captured = capture(kind.make(fixture));
  const losses: number[] = [];
  let settled = device.memory();
  for (let i = 0; i < replays; i++) {
    feed(ins, i);
    const { loss } = captured(ins);
    if (i === 2) settled = device.memory();
    if (i % 100 === 0 || i === replays - 1) losses.push(await loss.item());
  }
  expect(device.memory()).toEqual(settled);
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
  captured.dispose();
  for (const x of Object.values(ins)) x.dispose();
  fixture.dispose();
}

export function registerStepTest(
  register: (name: string, body: (device: Device) => Promise<void>) => void,
): void {
  register('step: a captured training step equals the eager one', (device) => checkEager(device, plainStep));
  register(`step: ${REPLAYS} replays learn and do not grow`, (device) =>
    checkLearning(device, plainStep, REPLAYS),
  );
  for (const compute of ['f32', 'bf16'] as const) {
    register(`step: fused ops in ${compute}, captured and eager, learn`, async (device) => {
      const kind = fusedStep(compute);
      if (device.caps.compute.includes(compute)) {
        await checkEager(device, kind);
        await checkLearning(device, kind, REPLAYS / 5);
      } else await expect(checkEager(device, kind)).rejects.toThrow(DTypeError);
    });
  }
}
