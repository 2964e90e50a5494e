/** `--calibrate FILE`: what a conversion costs on a text, and, if asked, which share each site is to leave out. */
import type { Device } from '@qsparse/core';
import { type Sparsity, selectionOf, siteParameters, siteWidths, sparsityAt } from '@qsparse/layers';
import { type ConvertOptions, convertedDecoder } from '@qsparse/models';
import { type Calibration, lossWith, openCalibration } from './calibration.ts';
import { chooseGreedily } from './greedy.ts';
import { compareSelectors, type SiteSelectors } from './selectors.ts';
import { measureSensitivity } from './sensitivity.ts';
import type { Source } from './source.ts';

export interface CalibrateOptions {
  readonly file: string;
  readonly tokens: number;
  /** Choose a share for every site; needs a top-K target. */
  readonly greedy: boolean;
  readonly signal: AbortSignal;
  /** One line for people: what is being done. */
  note(line: string): void;
}

export interface SiteCost extends SiteSelectors {
  /** Inputs, and how many the selection keeps. */
  readonly width: number;
  readonly keeps: number;
  /** With only this site sparse, nats a token. */
  readonly loss: number;
}

export interface CalibrationReport {
  readonly tokens: number;
  /** Losses in nats a token: of the source, and of the source's weights in the new model. */
  readonly before: number;
  readonly after: number;
  /** Of the new model with one share for all sites; there where shares were chosen for each. */
  readonly uniform?: number;
  /** Share of inputs left out, weighted by the parameters behind each site. */
  readonly sparsity: number;
  /** Absent where the new model selects nothing: without any selection, by site, and with only one layer sparse. */
  readonly selection?: {
    readonly dense: number;
    readonly sites: readonly SiteCost[];
    readonly layers: readonly number[];
  };
}

export interface Calibrated {
  /** With what was chosen. */
  readonly options: ConvertOptions;
  readonly report: CalibrationReport;
}

/** Measures the source on the device. Throws as `openCalibration` does, and the signal's reason. */
export async function calibrate(
  source: Source,
  device: Device,
  wanted: ConvertOptions,
  { file, tokens, greedy, signal, note }: CalibrateOptions,
): Promise<Calibrated> {
  const calibration = await openCalibration(source, device, { file, tokens, signal });
  try {
    const before = await lossWith(calibration, source.decoder);
    const uniform = await lossAs(calibration, wanted);
    const options = greedy ? await withShares(calibration, wanted, note) : wanted;
    const { decoder } = convertedDecoder(source.decoder, options);
    const selectionAt = (site: string): Sparsity => sparsityAt(decoder.linear, site);
    const sites = [...siteWidths(decoder).keys()];
    const selects = sites.some((site) => selectionAt(site).kind !== 'dense');
    const report = {
      tokens: calibration.tokens,
      before,
      after: greedy ? await lossAs(calibration, options) : uniform,
      ...(greedy && { uniform }),
      sparsity: overallSparsity(calibration, selectionAt),
      ...(selects && { selection: await selectionReport(calibration, selectionAt) }),
    };
    return { options, report };
  } finally {
    calibration.model.dispose();
  }
}

/** Ternary weights that become full keep their values: the loss is that of the ternary ones. */
async function lossAs(calibration: Calibration, options: ConvertOptions): Promise<number> {
  const { decoder, form } = convertedDecoder(calibration.config, options);
  if (form === 'latent') return lossWith(calibration, decoder);
  return lossWith(calibration, { ...decoder, linear: { ...decoder.linear, weights: 'ternary' } });
}

async function withShares(
  calibration: Calibration,
  wanted: ConvertOptions,
  note: (line: string) => void,
): Promise<ConvertOptions> {
  const { layers } = calibration.config;
  const target = wanted.sparsity?.kind === 'top-k' ? wanted.sparsity.sparsity : 0;
  const sparsityBySite = await chooseGreedily(calibration, target, (layer) =>
    note(`shares of layer ${layer + 1} of ${layers} chosen`),
  );
  return { ...wanted, sparsityBySite };
}

async function selectionReport(
  calibration: Calibration,
  selectionAt: (site: string) => Sparsity,
): Promise<NonNullable<CalibrationReport['selection']>> {
  const { dense, sites: losses, layers } = await measureSensitivity(calibration, selectionAt);
  const widths = siteWidths(calibration.config);
  const selectors = await compareSelectors(calibration, selectionAt);
  const sites = selectors.map((compared) => {
    const width = widths.get(compared.site)!;
    return {
      ...compared,
      width,
      keeps: keptOf(selectionAt(compared.site), width),
      loss: losses[compared.site]!,
    };
  });
  return { dense, sites, layers };
}

function overallSparsity({ config }: Calibration, selectionAt: (site: string) => Sparsity): number {
  const widths = siteWidths(config);
  let [left, all] = [0, 0];
  for (const [site, parameters] of siteParameters(config)) {
    const width = widths.get(site)!;
    left += parameters * (1 - keptOf(selectionAt(site), width) / width);
    all += parameters;
  }
  return left / all;
}

function keptOf(sparsity: Sparsity, width: number): number {
  const { k, block } = selectionOf(sparsity, width);
  return block > 0 ? (k * width) / block : k;
}
