import { describe, expect, test } from 'vitest';
import { minimize, type Objective } from '../src/index.ts';

const rosenbrock: Objective = (x, gradient) => {
  const [a, b] = x as unknown as [number, number];
  gradient[0] = -2 * (1 - a) - 400 * a * (b - a * a);
  gradient[1] = 200 * (b - a * a);
  return (1 - a) ** 2 + 100 * (b - a * a) ** 2;
};

describe('minimize', () => {
  test("follows Rosenbrock's valley to its end, in fewer steps than a gradient would take", () => {
    const { x, value, steps, converged } = minimize(rosenbrock, [-1.2, 1]);
    expect(converged).toBe(true);
    expect(value).toBeLessThan(1e-16);
    expect([...x].map((entry) => Number(entry.toFixed(6)))).toEqual([1, 1]);
    expect(steps).toBeLessThan(60);
  });

  test('solves a badly scaled quadratic', () => {
    const scales = [1e-4, 1, 1e4];
    const quadratic: Objective = (x, gradient) =>
      x.reduce((sum, entry, i) => {
        gradient[i] = scales[i]! * (entry - i);
        return sum + (scales[i]! * (entry - i) ** 2) / 2;
      }, 0);
    const { x } = minimize(quadratic, [5, 5, 5]);
    for (const i of [0, 1, 2]) expect(x[i]).toBeCloseTo(i, 3);
  });

  test('gets on where the slope jumps', () => {
    const corner: Objective = (x, gradient) => {
      gradient[0] = Math.sign(x[0]! - 3);
      gradient[1] = 2 * x[1]!;
      return Math.abs(x[0]! - 3) + x[1]! ** 2;
    };
    expect(minimize(corner, [-40, 7]).value).toBeLessThan(1e-3);
  });

  test('a value that is not finite is an end, never a loop', () => {
    expect(minimize(() => Number.NaN, [1])).toMatchObject({ converged: false, steps: 0 });
    const cliff: Objective = (x, gradient) => {
      gradient[0] = 1;
      return x[0]! < 0 ? Number.NaN : x[0]!;
    };
    const { x } = minimize(cliff, [1]);
    expect(x[0]).toBeGreaterThanOrEqual(0);
    expect(x[0]).toBeLessThan(1);
  });

  test('stops after as many steps as it may take', () => {
    expect(minimize(rosenbrock, [-1.2, 1], { maxSteps: 3 })).toMatchObject({ steps: 3, converged: false });
  });
});
