import { describe, expect, test } from 'vitest';
import { residualsOf } from '../src/residuals.ts';
import { LAW, synthetic } from './synthetic.ts';

const points = synthetic(LAW, { noise: 0.01, seed: 3 });
const logLosses = points.map(({ loss }) => Math.log(loss));

describe('residuals', () => {
  test('there and back: coordinates are the law', () => {
    const residuals = residualsOf(points, { fixed: {}, unit: LAW.unit, delta: 1e-3 });
    const law = residuals.law(residuals.coordinates(LAW));
    for (const [name, value] of Object.entries(LAW)) expect(law[name as 'E']).toBeCloseTo(value, 12);
    const [first] = residuals.predict(residuals.coordinates(LAW));
    expect(first).toBeCloseTo(Math.log(synthetic(LAW)[0]!.loss), 12);
  });

  test.each([{}, { B: 0 }, { B: 0.4, alpha: 0.2 }, { C: 0.9 }, { E: 1.5, beta: 0.1 }])(
    'the gradient with %o fixed is that of the value',
    (fixed) => {
      const residuals = residualsOf(points, { fixed, unit: LAW.unit, delta: 1e-3 });
      const at = residuals.coordinates({ ...LAW, E: 1.4, alpha: 0.25, ...fixed });
      const gradient = new Float64Array(at.length);
      residuals.loss(at, logLosses, gradient);
      for (const [i, slope] of gradient.entries()) {
        const moved = (by: number) => {
          const x = at.map((entry, k) => (k === i ? entry + by : entry));
          return residuals.loss(x, logLosses, new Float64Array(at.length));
        };
        expect(slope / ((moved(1e-7) - moved(-1e-7)) / 2e-7)).toBeCloseTo(1, 4);
      }
    },
  );

  test('is Huber: squares near zero, absolute values beyond δ', () => {
    const [point] = points;
    const residuals = residualsOf([point!], { fixed: {}, unit: LAW.unit, delta: 0.1 });
    const at = residuals.coordinates(LAW);
    const [predicted] = residuals.predict(at);
    const of = (error: number) => residuals.loss(at, [predicted! - error], new Float64Array(at.length));
    expect(of(0.05)).toBeCloseTo(0.125, 12);
    expect(of(0.1)).toBeCloseTo(0.5, 12);
    expect(of(-0.3)).toBeCloseTo(2.5, 12);
  });
});
