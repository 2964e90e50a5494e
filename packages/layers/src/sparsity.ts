/** What a model's sites let through on given tokens: shares of zeros, and where a NaN or an infinity begins. */
import { noGrad, scope, type Tensor } from '@qsparse/core';
import { sparsityStatistics } from '@qsparse/quantizers';
import { type Decoder, type ForwardOptions, logits } from './decoder.ts';
import { siteParameters } from './parameters.ts';

export interface SparsityReport {
  /** Share of zero inputs at each site, 0 to 1, in the order of the model. */
  readonly sites: ReadonlyMap<string, number>;
  /** The same, weighted by the parameters of the linear layers behind each site. */
  readonly overall: number;
}

/**
 * Runs one forward pass over tokens i32 [B, T] and counts zeros: what selection left out, and what was zero or was
 * rounded to zero before. Training steps do not pay for it. `first`: as for `logits`.
 */
export async function measureSparsity(
  model: Decoder,
  tokens: Tensor,
  { first }: Pick<ForwardOptions, 'first'> = {},
): Promise<SparsityReport> {
  const sites = new Map<string, number>();
  const summarise = (values: ArrayLike<number>, width: number) => sparsityStatistics(values, width).sparsity;
  for (const { place, result } of observed(model, tokens, summarise, { first, sitesAlone: true }))
    sites.set(place, await result);
  const weights = siteParameters(model.config);
  let parameters = 0;
  let skipped = 0;
  for (const [site, share] of sites) {
    parameters += weights.get(site)!;
    skipped += weights.get(site)! * share;
  }
  return { sites, overall: skipped / parameters };
}

/**
 * The first place, in the order of the model, that holds a NaN or an infinity on these tokens: `layers.N.SITE` for the
 * input of linear layers, or `logits`; undefined when all are finite.
 */
export async function firstNonFinite(model: Decoder, tokens: Tensor): Promise<string | undefined> {
  const places = observed(model, tokens, allFinite);
  const finite = await Promise.all(places.map(({ result }) => result));
  return places[finite.indexOf(false)]?.place;
}

const LOGITS = 'logits';

interface Observed<T> {
  readonly place: string;
  readonly result: Promise<T>;
}

/** One forward pass; what every site lets through, and the logits unless `sitesAlone`, summarised on the host. */
function observed<T>(
  model: Decoder,
  tokens: Tensor,
  summarise: (values: ArrayLike<number>, width: number) => T,
  {
    first,
    sitesAlone = false,
  }: Pick<ForwardOptions, 'first'> & {
    /** Logits are many, and reading them takes longer than all the rest. */
    readonly sitesAlone?: boolean;
  } = {},
): readonly Observed<T>[] {
  const seen: Observed<T>[] = [];
  // A read is queued at once, so that the scope may free the tensor.
  const observe = (place: string, tensor: Tensor) =>
    void seen.push({
      place,
      result: tensor.data().then((values) => summarise(values, tensor.shape.at(-1)!)),
    });
  noGrad(() =>
    scope(() => {
      const values = logits(model, tokens, { first, observe });
      if (!sitesAlone) observe(LOGITS, values);
    }),
  );
  return seen;
}

function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
