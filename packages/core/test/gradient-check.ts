/**
 * Gradient rules against finite differences, on the reference device and therefore in float64. Any expression
 * of tensors can be checked; a weighted sum with fixed random weights makes it a number.
 */
import {
  backward,
  matmul,
  noGrad,
  normal,
  type Param,
  paramArena,
  reshape,
  type Shape,
  scope,
  sizeOf,
  type Tensor,
  tensor,
  write,
} from '@qsparse/core';
import { type ReferenceDevice, referenceDevice } from '@qsparse/core/reference';

export interface GradientInput {
  readonly shape: Shape;
  /** Where to differentiate; normal random numbers when absent. */
  readonly values?: ArrayLike<number>;
}

/** The expression. Constants that are not differentiated (ids, positions) are made on `device` inside it. */
export type Build<N extends string> = (
  tensors: Readonly<Record<N, Tensor>>,
  device: ReferenceDevice,
) => Tensor;

export interface GradientCheckOptions<N extends string> {
  /** Distance of the differences; keep kinks (ties, zero of a ReLU) farther than twice this away. Default 1e-3. */
  readonly step?: number;
  /** Largest error allowed, relative to 1 + |expected|. Default 1e-7. */
  readonly tolerance?: number;
  readonly seed?: number;
  /** The expression whose differences are expected instead of `build`'s: for straight-through estimators. */
  readonly surrogate?: Build<N>;
}

/**
 * Throws an error that names the input and the element when a gradient is wrong. Each gradient is taken twice:
 * with the inputs as parameters, and with the inputs as intermediate tensors that two applications share, so
 * that rules which add in place, and gradients that meet, are covered too.
 */
export function checkGradients<N extends string>(
  build: Build<N>,
  inputs: Readonly<Record<N, GradientInput>>,
  { step = 1e-3, tolerance = 1e-7, seed = 1, surrogate = build }: GradientCheckOptions<N> = {},
): void {
  const device = referenceDevice();
  const names = Object.keys(inputs) as N[];
  const arena = paramArena(
    device,
    names.map((name) => ({ name, shape: inputs[name].shape })),
  );
  const params = Object.fromEntries(arena.params) as Record<N, Param>;
  const points = names.map((name, i) =>
    Float64Array.from(inputs[name].values ?? normal(seed, i, sizeOf(inputs[name].shape))),
  );
  names.forEach((name, i) => {
    write(params[name], points[i]!);
  });
  const outputSize = scope(() => noGrad(() => build(params, device).size));
  const weights = normal(seed, names.length, outputSize);

  const direct = gradients(device, arena.grads, params, () =>
    weightedSum(build(params, device), weights.slice()),
  );
  const shared = gradients(device, arena.grads, params, () => {
    const copies = Object.fromEntries(names.map((name) => [name, intermediate(params[name])]));
    const first = weights.map((weight, i) => weight * (i % 2 === 0 ? 0.25 : -0.5));
    const rest = weights.map((weight, i) => weight - first[i]!);
    const once = weightedSum(build(copies as Record<N, Tensor>, device), first);
    return weightedSum(build(copies as Record<N, Tensor>, device), rest, once);
  });

  const valueAt = () =>
    scope(() =>
      noGrad(() => {
        const y = device.values(surrogate(params, device));
        return y.reduce((sum, element, i) => sum + element * weights[i]!, 0);
      }),
    );
  names.forEach((name, i) => {
    const point = points[i]!;
    for (let j = 0; j < point.length; j++) {
      const shifted = (distance: number) => {
        const moved = point.slice();
        moved[j]! += distance;
        write(params[name], moved);
        return valueAt();
      };
      // Five-point stencil: the error falls with the fourth power of the step.
      const near = shifted(step) - shifted(-step);
      const far = shifted(2 * step) - shifted(-2 * step);
      const expected = (8 * near - far) / (12 * step);
      for (const [how, got] of [
        ['as a parameter', direct[name][j]!],
        ['shared by two applications', shared[name][j]!],
      ] as const) {
        // Written so that NaN fails.
        if (!(Math.abs(got - expected) <= tolerance * (1 + Math.abs(expected)))) {
          throw new Error(`gradient of ${name}[${j}] ${how}: expected ${expected}, got ${got}`);
        }
      }
    }
    write(params[name], point);
  });
}

/** Gradients of every parameter, starting from zero. */
function gradients<N extends string>(
  device: ReferenceDevice,
  arena: Tensor,
  params: Readonly<Record<N, Param>>,
  loss: () => Tensor,
): Record<N, Float64Array> {
  write(arena, new Float64Array(arena.size));
  const all = Object.entries<Param>(params);
  scope(() =>
    backward(
      loss(),
      all.map(([, param]) => param),
    ),
  );
  return Object.fromEntries(all.map(([name, { grad }]) => [name, device.values(grad)])) as Record<
    N,
    Float64Array
  >;
}

/** Σ weights · y, plus `into` when given; only matmul is needed. */
function weightedSum(y: Tensor, weights: Float64Array, into?: Tensor): Tensor {
  const row = reshape(y, [1, y.size]);
  return matmul(row, tensor(y.device, weights, [y.size, 1]), { into });
}

/** The same values as the output of an op, so that the gradient is not a parameter's. */
function intermediate(x: Tensor): Tensor {
  const identity = new Float64Array(x.size * x.size);
  for (let i = 0; i < x.size; i++) identity[i * x.size + i] = 1;
  return reshape(matmul(reshape(x, [1, x.size]), tensor(x.device, identity, [x.size, x.size])), x.shape);
}
