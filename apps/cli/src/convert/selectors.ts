/**
 * Three ways to select the inputs of each site, compared on what really flows: how much each keeps, and how far what it
 * keeps is from all of it. Inputs come from a pass without selection; nothing that is selected here flows on.
 */
import { noGrad, scope, tensor } from '@qsparse/core';
import { logits, type Sparsity, selectionOf, shareLeftOut } from '@qsparse/layers';
import { selectAbove, selectMask, selectStatistical } from '@qsparse/quantizers';
import { type Calibration, sparseAt } from './calibration.ts';

export interface Selected {
  /** Share of inputs, 0 to 1. */
  readonly kept: number;
  /** L2 norm of what is left out, relative to that of all inputs. */
  readonly error: number;
}

export interface SiteSelectors {
  readonly site: string;
  /** Exactly K, or so many of every block. */
  readonly exact: Selected;
  /** Above a threshold from the mean magnitude of the token. */
  readonly statistical: Selected;
  /** Above one threshold, calibrated on the first half of the tokens and measured on the other, as all three are. */
  readonly threshold: Selected;
  /** That threshold. */
  readonly limit: number;
}

/** From the first rows of the text, at most 512 tokens. Throws NonFiniteError for a model that gives no numbers. */
export async function compareSelectors(
  calibration: Calibration,
  selectionAt: (site: string) => Sparsity,
): Promise<readonly SiteSelectors[]> {
  const { model, batches } = calibration;
  const { tokens, shape, predicted } = batches[0]!;
  // Whole rows: what fills up the last one is no text.
  const rows = Math.max(1, Math.floor(Math.min(512, predicted) / shape[1]));
  const seen: Promise<SiteSelectors>[] = [];
  model.config = sparseAt(calibration, {});
  try {
    noGrad(() =>
      scope(() => {
        const ids = tensor(model.device, tokens.subarray(0, rows * shape[1]), [rows, shape[1]], 'i32');
        logits(model, ids, {
          observe: (site, inputs) =>
            void seen.push(
              inputs.data().then((values) => compare(site, values, inputs.shape.at(-1)!, selectionAt(site))),
            ),
        });
      }),
    );
  } finally {
    model.config = calibration.config;
  }
  return Promise.all(seen);
}

function compare(site: string, values: ArrayLike<number>, width: number, sparsity: Sparsity): SiteSelectors {
  const x = Float64Array.from(values);
  const half = Math.floor(x.length / width / 2) * width;
  // A single token is both halves.
  const [first, second] = [x.subarray(0, half || width), x.subarray(half)];
  const share = shareLeftOut(sparsity);
  const limit = quantile(first, share);
  return {
    site,
    exact: measure(second, selectMask(second, width, selectionOf(sparsity, width))),
    statistical: measure(second, selectStatistical(second, width, share).mask),
    threshold: measure(second, selectAbove(second, width, limit).mask),
    limit,
  };
}

/** The magnitude that a share of the entries does not exceed. */
function quantile(x: Float64Array, share: number): number {
  const sorted = x.map(Math.abs).sort();
  const below = Math.floor(share * sorted.length + 1e-9);
  return below === 0 ? 0 : sorted[below - 1]!;
}

function measure(x: Float64Array, mask: Uint8Array): Selected {
  let [kept, left, all] = [0, 0, 0];
  for (const [i, value] of x.entries()) {
    all += value * value;
    if (mask[i]) kept++;
    else left += value * value;
  }
  return { kept: kept / x.length, error: all === 0 ? 0 : Math.sqrt(left / all) };
}
