/** One training step of a two-layer network (512-2048-512, batch 256, squared error, SGD): what general libraries can do too. */
import { cpuDevice } from '@qsparse/backend-cpu';
import {
  accumulate,
  backward,
  capture,
  fillWith,
  matmul,
  mean,
  normal,
  paramArena,
  relu,
  scale,
  square,
  subtract,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { type Timing, timeCalls } from './timing.ts';

const BATCH = 256;
const WIDTH = 512;
const HIDDEN = 2048;
/** Forward 2 products, backward 2 for the weights and 1 for the hidden layer. */
export const MLP_STEP_FLOPS: number = 6 * BATCH * 2 * WIDTH * HIDDEN - 2 * BATCH * WIDTH * HIDDEN;

export async function timeMlpStep(threads: number): Promise<Timing> {
  const device = await cpuDevice({ threads });
  const arena = paramArena(device, [
    { name: 'w1', shape: [WIDTH, HIDDEN] },
    { name: 'w2', shape: [HIDDEN, WIDTH] },
  ]);
  for (const [i, param] of [...arena.params.values()].entries())
    write(
      param,
      normal(1, i, param.size).map((z) => 0.02 * z),
    );
  const [w1, w2] = [arena.params.get('w1')!, arena.params.get('w2')!];
  const step = capture(({ x, target }: { x: Tensor; target: Tensor }) => {
    fillWith(arena.grads, 0);
    const output = matmul(relu(matmul(x, w1)), w2);
    const loss = mean(square(subtract(output, target)));
    backward(loss, arena.params.values());
    accumulate(arena.values, scale(arena.grads, -0.01));
    return loss;
  });
  const inputs = {
    x: tensor(device, Float32Array.from(normal(2, 0, BATCH * WIDTH)), [BATCH, WIDTH]),
    target: tensor(device, Float32Array.from(normal(2, 1, BATCH * WIDTH)), [BATCH, WIDTH]),
  };
  const timing = await timeCalls(() => step(inputs).item());
  device.dispose();
  return timing;
}
