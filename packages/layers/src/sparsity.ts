/** How sparse a model is on given tokens: per site, and weighted by the parameters that read each site. */
import { noGrad, scope, type Tensor } from '@qsparse/core';
import { type Decoder, hiddenStates } from './decoder.ts';
import { siteParameters } from './parameters.ts';

export interface SparsityReport {
  /** Share of zero inputs at each site, 0 to 1, in the order of the model. */
  readonly sites: ReadonlyMap<string, number>;
  /** The same, weighted by the parameters of the linear layers behind each site. */
  readonly overall: number;
}

/** Runs one forward pass over tokens i32 [B, T] and counts. Training steps do not pay for it. */
export async function measureSparsity(model: Decoder, tokens: Tensor): Promise<SparsityReport> {
  const counted = new Map<string, Promise<number>>();
  noGrad(() =>
    scope(() => {
      // The read is queued before the scope frees the tensor.
      hiddenStates(model, tokens, {
        observe: (site, selected) => counted.set(site, selected.data().then(zeroShare)),
      });
    }),
  );
  const sites = new Map<string, number>();
  for (const [site, share] of counted) sites.set(site, await share);
  const weights = siteParameters(model.config);
  let parameters = 0;
  let skipped = 0;
  for (const [site, share] of sites) {
    parameters += weights.get(site)!;
    skipped += weights.get(site)! * share;
  }
  return { sites, overall: skipped / parameters };
}

/** The first site whose output holds a NaN or an infinity on these tokens; undefined when all are finite. */
export async function firstNonFiniteSite(model: Decoder, tokens: Tensor): Promise<string | undefined> {
  const finite = new Map<string, Promise<boolean>>();
  noGrad(() =>
    scope(() => {
      hiddenStates(model, tokens, {
        observe: (site: string, selected: Tensor) =>
          finite.set(
            site,
            selected.data().then((values) => values.every((value) => Number.isFinite(value))),
          ),
      });
    }),
  );
  for (const [site, allFinite] of finite) if (!(await allFinite)) return site;
  return undefined;
}

function zeroShare(values: ArrayLike<number>): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  return zeros / values.length;
}
