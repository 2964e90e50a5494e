/**
 * Shares for every site of a model from one parameter-weighted target, block by block: each step makes one site of the
 * block sparser, the one that costs least, until the block has reached the target. The greedy choice of TEAL (arXiv
 * 2408.14690, algorithm 1), with the loss of the model, that block alone sparse, in place of the block's output error.
 */
import { type Sparsity, siteParameters } from '@qsparse/layers';
import { type Calibration, lossWith, sparseAt } from './calibration.ts';

/** What a step adds to the sparsity of a block, weighted by parameters. */
const STEP = 0.025;
/** No site keeps less than this share of its inputs. */
const LEAST_KEPT = 0.01;

/**
 * Takes passes over the text: at most four for each step of each block.
 * @param target share left out, from 0 to 1 − LEAST_KEPT
 * @param onBlock told after each block
 */
export async function chooseGreedily(
  calibration: Calibration,
  target: number,
  onBlock: (layer: number) => void = () => {},
): Promise<Record<string, Sparsity>> {
  const { config } = calibration;
  const chosen: Record<string, Sparsity> = {};
  const all = [...siteParameters(config)];
  for (let layer = 0; layer < config.layers; layer++) {
    const sites = all.filter(([site]) => site.startsWith(`layers.${layer}.`));
    const shares = await chooseBlock(calibration, sites, Math.min(target, 1 - LEAST_KEPT));
    for (const [site, share] of shares) chosen[site] = selectionOfShare(share);
    onBlock(layer);
  }
  return chosen;
}

async function chooseBlock(
  calibration: Calibration,
  sites: readonly (readonly [site: string, parameters: number])[],
  target: number,
): Promise<ReadonlyMap<string, number>> {
  const total = sites.reduce((sum, [, parameters]) => sum + parameters, 0);
  let shares: ReadonlyMap<string, number> = new Map(sites.map(([site]) => [site, 0]));
  const reached = (): number =>
    sites.reduce((sum, [site, parameters]) => sum + shares.get(site)! * parameters, 0) / total;
  for (let missing = target; missing > 1e-9; missing = target - reached()) {
    let best: { readonly shares: ReadonlyMap<string, number>; readonly loss: number } | undefined;
    for (const [site, parameters] of sites) {
      const share = shares.get(site)!;
      const most = 1 - LEAST_KEPT;
      if (share >= most) continue;
      const more = (Math.min(STEP, missing) * total) / parameters;
      const next = new Map(shares).set(site, Math.min(most, share + more));
      const loss = await lossWith(calibration, sparseAt(calibration, selectionsOf(next)));
      if (!best || loss < best.loss) best = { shares: next, loss };
    }
    if (!best) break;
    shares = best.shares;
  }
  return shares;
}

const selectionsOf = (shares: ReadonlyMap<string, number>): Record<string, Sparsity> =>
  Object.fromEntries([...shares].map(([site, share]) => [site, selectionOfShare(share)]));

/** Six digits, so that config.json stays readable. */
function selectionOfShare(share: number): Sparsity {
  const sparsity = Math.round(share * 1e6) / 1e6;
  return sparsity === 0 ? { kind: 'dense' } : { kind: 'top-k', sparsity };
}
