/** What a selection costs: the loss with one site sparse, with one layer sparse, and none or all of them. */
import { type Sparsity, siteWidths } from '@qsparse/layers';
import { type Calibration, lossWith, sparseAt } from './calibration.ts';

export interface Sensitivity {
  /** Without any selection. */
  readonly dense: number;
  /** With only this site sparse, in the order of the model. */
  readonly sites: Readonly<Record<string, number>>;
  /** With only the four sites of this layer sparse. */
  readonly layers: readonly number[];
}

/** Losses in nats a token, from one pass over the text each. `selectionAt` gives what a site is to have. */
export async function measureSensitivity(
  calibration: Calibration,
  selectionAt: (site: string) => Sparsity,
): Promise<Sensitivity> {
  const names = [...siteWidths(calibration.config).keys()];
  const lossAt = (sites: readonly string[]): Promise<number> =>
    lossWith(
      calibration,
      sparseAt(calibration, Object.fromEntries(sites.map((site) => [site, selectionAt(site)]))),
    );
  const dense = await lossAt([]);
  const sites: Record<string, number> = {};
  for (const site of names) sites[site] = await lossAt([site]);
  const layers: number[] = [];
  for (let layer = 0; layer < calibration.config.layers; layer++)
    layers.push(await lossAt(names.filter((site) => site.startsWith(`layers.${layer}.`))));
  return { dense, sites, layers };
}
