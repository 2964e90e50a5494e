import { describe, expect, test } from 'vitest';
import { CONSTANTS, fitLaw, inUnit, optimalSparsity, PRESETS, ScalingError } from '../src/index.ts';
import { LAW, synthetic } from './synthetic.ts';

describe('fitLaw', () => {
  test('finds planted constants without noise', () => {
    const { law, deviation, explained, starts, agreeing } = fitLaw(synthetic(), { unit: LAW.unit });
    for (const name of CONSTANTS) expect(law[name] / LAW[name]).toBeCloseTo(1, 3);
    expect(deviation).toBeLessThan(1e-6);
    expect(explained).toBeGreaterThan(0.999_999);
    expect(agreeing).toBeGreaterThan(starts / 2);
  });

  test('finds S* of the printed constants, where B and C cannot be told apart', () => {
    const { law: paper } = PRESETS['paper-printed'];
    const sizes = [3e8, 7e8, 1.3e9, 7e9];
    const { law } = fitLaw(synthetic(paper, { sizes }));
    expect(optimalSparsity(law).sparsity).toBeCloseTo(0.5024, 3);
  });

  test('one bad run hardly moves it: the loss is Huber, not squares', () => {
    const points = synthetic(LAW, { noise: 3e-4, seed: 1 });
    points[7] = { ...points[7]!, loss: 1.5 * points[7]!.loss };
    const { law } = fitLaw(points, { unit: LAW.unit });
    expect(optimalSparsity(law).sparsity).toBeCloseTo(optimalSparsity(LAW).sparsity, 2);
    expect(law.E).toBeCloseTo(LAW.E, 2);
  });

  test('does not depend on the order of the points or on the unit', () => {
    const points = synthetic(LAW, { noise: 1e-3, seed: 2 });
    const { law } = fitLaw(points, { unit: LAW.unit });
    const turned = fitLaw(points.toReversed(), { unit: 1 }).law;
    const same = inUnit(turned, LAW.unit);
    for (const name of CONSTANTS) expect(same[name] / law[name]).toBeCloseTo(1, 2);
  });

  test('keeps what is fixed', () => {
    const planted = { ...LAW, B: 0 };
    const { law, free } = fitLaw(synthetic(planted), { unit: LAW.unit, fixed: { B: 0, E: 1.7 } });
    expect(free).toEqual(['C', 'alpha', 'beta']);
    expect([law.B, law.E]).toEqual([0, 1.7]);
    expect(law.beta).toBeCloseTo(planted.beta, 4);
  });

  test('a dense law alone: sparsity 0 everywhere, B and beta fixed', () => {
    const points = synthetic({ ...LAW, B: 0, beta: 0 }, { sparsities: [0] });
    const { law } = fitLaw(points, { unit: LAW.unit, fixed: { B: 0, beta: 0 } });
    expect([law.E, law.C, law.alpha].map((value) => Number(value.toFixed(3)))).toEqual([1.7, 0.8, 0.3]);
  });
});

describe('what cannot be fitted is refused', () => {
  const refused = (points: ReturnType<typeof synthetic>, options = {}): ScalingError => {
    try {
      fitLaw(points, options);
    } catch (error) {
      if (error instanceof ScalingError) return error;
    }
    throw new Error('was fitted');
  };

  test('too few points', () => {
    const error = refused(synthetic().slice(0, 5));
    expect(error.code).toBe('too-few-points');
    expect(error.message).toContain('at least 6 points are required for 5 constants, got 5');
  });

  test('one size, two sparsities, a grid that is a line', () => {
    expect(refused(synthetic(LAW, { sizes: [1e6], sparsities: [0, 0.1, 0.2, 0.3, 0.4, 0.5] }))).toMatchObject(
      {
        code: 'degenerate-grid',
        message: expect.stringContaining('at least 3 different sizes are required, got 1 (1000000)'),
      },
    );
    expect(refused(synthetic(LAW, { sparsities: [0, 0.5] }))).toMatchObject({
      message: expect.stringContaining('at least 3 different sparsities are required, got 2 (0, 0.5)'),
    });
    const line = [1, 2, 3, 4, 5, 6].map((i) => ({ parameters: i * 1e6, sparsity: i / 10, loss: 3 - i / 10 }));
    expect(refused(line)).toMatchObject({ code: 'degenerate-grid' });
  });

  test.each([
    [{ loss: Number.NaN }, 'loss must be a number above 0, got NaN'],
    [{ loss: 0 }, 'loss must be'],
    [{ parameters: -1 }, 'parameters must be a number above 0, got -1'],
    [{ sparsity: 1 }, 'sparsity must be at least 0 and below 1, got 1'],
  ])('a point with %o, by its place', (change, message) => {
    const points = synthetic();
    points[4] = { ...points[4]!, ...change };
    const error = refused(points);
    expect(error).toMatchObject({ code: 'value', point: 4 });
    expect(error.message).toContain(`[fitLaw] point 5: ${message}`);
  });

  test('options out of range', () => {
    expect(refused(synthetic(), { delta: 0 }).message).toContain('delta must be a number above 0');
    expect(refused(synthetic(), { fixed: { E: 0 } }).message).toContain('a fixed E must be a number above 0');
  });
});
