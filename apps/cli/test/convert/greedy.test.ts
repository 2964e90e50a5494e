import { type Sparsity, shareLeftOut, siteParameters } from '@qsparse/layers';
import { expect, test } from 'vitest';
import { lossWith, sparseAt } from '../../src/convert/calibration.ts';
import { chooseGreedily } from '../../src/convert/greedy.ts';
import { tinyCalibration } from './tiny-calibration.ts';

test.each([0.1, 0.55])('every block reaches %d, weighted by parameters', async (target) => {
  const calibration = tinyCalibration();
  const blocks: number[] = [];
  const chosen = await chooseGreedily(calibration, target, (layer) => blocks.push(layer));
  expect(blocks).toEqual([0, 1]);
  const parameters = siteParameters(calibration.config);
  expect(Object.keys(chosen)).toEqual([...parameters.keys()]);
  for (const layer of [0, 1]) {
    let [left, all] = [0, 0];
    for (const [site, size] of parameters) {
      if (!site.startsWith(`layers.${layer}.`)) continue;
      left += size * shareLeftOut(chosen[site]!);
      all += size;
    }
    expect(left / all).toBeCloseTo(target, 5);
  }
});

test('one step goes to the site that costs least', async () => {
  const calibration = tinyCalibration();
  const target = 0.025;
  const chosen = await chooseGreedily(calibration, target);
  const sites = [...siteParameters(calibration.config)].filter(([site]) => site.startsWith('layers.0.'));
  const total = sites.reduce((sum, [, size]) => sum + size, 0);
  const losses = new Map<string, number>();
  for (const [site, size] of sites) {
    const alone: Sparsity = { kind: 'top-k', sparsity: (target * total) / size };
    losses.set(site, await lossWith(calibration, sparseAt(calibration, { [site]: alone })));
  }
  const [best] = [...losses].sort(([, a], [, b]) => a - b)[0]!;
  for (const [site] of sites) expect(chosen[site]!.kind).toBe(site === best ? 'top-k' : 'dense');
});
