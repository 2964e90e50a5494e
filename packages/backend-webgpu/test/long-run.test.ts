/** A thousand captured training steps on a driver that computes: what the GPU holds stays as it was. */
import {
  adamw,
  adamwHyper,
  backward,
  capture,
  crossEntropy,
  embedding,
  fillRandom,
  fillWith,
  globalNorm,
  matmul,
  paramArena,
  randomState,
  type Tensor,
  tensor,
  write,
  zeros,
} from '@qsparse/core';
import { expect, test, vi } from 'vitest';
import { missing, openDevice } from './drivers.ts';

const STEPS = 1000;
const ADAM = { learningRate: 0.02, weightDecay: 0, beta1: 0.9, beta2: 0.999, clipNorm: 1 };
const [VOCABULARY, WIDTH, ROWS] = [16, 8, 8];

test.skipIf(missing)(
  '1,000 captured steps: no buffer more, and the loss falls',
  { timeout: 120_000 },
  async () => {
    const device = await openDevice();
    const alive = new Set<GPUBuffer>();
    const make = device.gpu.createBuffer.bind(device.gpu);
    vi.spyOn(device.gpu, 'createBuffer').mockImplementation((descriptor) => {
      const buffer = make(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        alive.delete(buffer);
        destroy();
      };
      alive.add(buffer);
      return buffer;
    });
    const arena = paramArena(device, [
      { name: 'embedding', shape: [VOCABULARY, WIDTH] },
      { name: 'head', shape: [VOCABULARY, WIDTH] },
    ]);
    const seed = tensor(device, randomState(1, 0), [4], 'i32');
    fillRandom(arena.values, seed, { distribution: 'normal', scale: 0.1 });
    const [table, head] = [arena.params.get('embedding')!, arena.params.get('head')!];
    const { size } = arena.values;
    const [m, v] = [zeros(device, [size]), zeros(device, [size])];
    const step = capture(
      ({ tokens, targets, hyper }: Readonly<Record<'tokens' | 'targets' | 'hyper', Tensor>>) => {
        fillWith(arena.grads, 0);
        const loss = crossEntropy(matmul(embedding(table, tokens), head, { transposeB: true }), targets);
        backward(loss, arena.params.values());
        adamw({ value: arena.values, grad: arena.grads, m, v, norm: globalNorm(arena.grads), hyper });
        return loss;
      },
    );
    const words = (first: number): number[] =>
      Array.from({ length: ROWS }, (_, i) => (first + i) % VOCABULARY);
    const inputs = {
      tokens: tensor(device, words(0), [1, ROWS], 'i32'),
      targets: tensor(device, words(1), [1, ROWS], 'i32'),
      hyper: zeros(device, [8]),
    };
    const losses: number[] = [];
    let before: { buffers: number; memory: ReturnType<typeof device.memory> } | undefined;
    for (let i = 1; i <= STEPS; i++) {
      write(inputs.tokens, words(i));
      write(inputs.targets, words(i + 1));
      write(inputs.hyper, adamwHyper({ ...ADAM, step: i }));
      const loss = step(inputs);
      if (i % 50 === 0) losses.push(await loss.item());
      if (i === 50) before = { buffers: alive.size, memory: device.memory() };
    }
    expect(device.memory()).toEqual(before!.memory);
    expect(alive.size).toBe(before!.buffers);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    step.dispose();
    device.dispose();
    expect(alive.size).toBe(0);
  },
);
