/** Gradients of one op for the tests beside this file, on the reference device and unrounded. */
import {
  backward,
  matmul,
  type Param,
  paramArena,
  reshape,
  scope,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';

/** ∂/∂param of Σ dy · forward(params), where each param is a row-major matrix of one or more rows of `width`. */
export function gradientsOf(
  params: Readonly<Record<string, readonly number[]>>,
  width: number,
  dy: readonly number[],
  forward: (params: Readonly<Record<string, Param>>) => Tensor,
): Record<string, number[]> {
  const device = referenceDevice();
  const specs = Object.entries(params).map(([name, values]) => ({
    name,
    shape: values.length === width ? [width] : [values.length / width, width],
  }));
  const arena = paramArena(device, specs);
  const byName: Record<string, Param> = {};
  for (const [name, param] of arena.params) {
    write(param, Float64Array.from(params[name]!));
    byName[name] = param;
  }
  scope(() => {
    const y = reshape(forward(byName), [1, dy.length]);
    const loss = matmul(y, tensor(device, Float64Array.from(dy), [dy.length, 1]));
    backward(reshape(loss, [1]), arena.params.values());
  });
  return Object.fromEntries(
    Object.entries(byName).map(([name, { grad }]) => [name, Array.from(device.values(grad))]),
  );
}
