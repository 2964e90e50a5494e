/** `--calibrate FILE`: what a conversion costs on a text, and, if asked, which share each site is to leave out. */
import type { Device } from '@qsparse/core';
import { type Sparsity, selectionOf, siteParameters, siteWidths, sparsityAt } from '@qsparse/layers';
import { type ConvertOptions, convertedDecoder } from '@qsparse/models';
import { type Calibration, lossWith, openCalibration, sparseAt } from './calibration.ts';
import { chooseGreedily } from './greedy.ts';
import { lossSelecting, type Selector, statisticalSelector, thresholdSelector } from './selector-loss.ts';
import { compareSelectors, type Selected } from './selectors.ts';
import { type LossAt, measureSensitivity } from './sensitivity.ts';
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

/** The ways to select that are compared: exact top-K or blocks, and two thresholds. */
export const WAYS = ['exact', 'statistical', 'threshold'] as const;
export type Way = (typeof WAYS)[number];

export interface WayCost extends Selected {
  /** With only this site selecting in this way, nats a token. */
  readonly loss: number;
}

export interface SiteCost extends Readonly<Record<Way, WayCost>> {
  readonly site: string;
  /** Inputs, and how many the exact selection keeps. */
  readonly width: number;
  readonly keeps: number;
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
  /** Absent where the new model selects nothing. Losses of the source's weights and arithmetic, nats a token. */
  readonly selection?: {
    /** Without any selection. */
    readonly dense: number;
    readonly sites: readonly SiteCost[];
    /** With only the four sites of one layer selecting. */
    readonly layers: readonly Readonly<Record<Way, number>>[];
    /** With all sites selecting. */
    readonly all: Readonly<Record<Way, number>>;
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
      ...(selects && { selection: await selectionReport(calibration, selectionAt, note) }),
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
  note: (line: string) => void,
): Promise<NonNullable<CalibrationReport['selection']>> {
  const widths = siteWidths(calibration.config);
  const names = [...widths.keys()];
  const compared = await compareSelectors(calibration, selectionAt);
  const dense = await lossWith(calibration, sparseAt(calibration, {}));
  const limits = new Map(compared.map(({ site, limit }) => [site, limit]));
  const costOf = (way: Way) => {
    note(`measuring ${way} selection, site by site`);
    const lossAt = lossOfWay(calibration, way, selectionAt, limits);
    // A site that keeps everything costs nothing.
    const selecting = (sites: readonly string[]) =>
      sites.filter((site) => selectionAt(site).kind !== 'dense');
    return measureSensitivity(names, calibration.config.layers, async (sites) =>
      selecting(sites).length === 0 ? dense : lossAt(selecting(sites)),
    );
  };
  const costs = {
    exact: await costOf('exact'),
    statistical: await costOf('statistical'),
    threshold: await costOf('threshold'),
  };
  const each = <T>(pick: (way: Way) => T): Record<Way, T> =>
    Object.fromEntries(WAYS.map((way) => [way, pick(way)])) as Record<Way, T>;
  const sites = compared.map((selected) => {
    const { site } = selected;
    const width = widths.get(site)!;
    const keeps = keptOf(selectionAt(site), width);
    return {
      site,
      width,
      keeps,
      ...each((way) => ({ ...selected[way], loss: costs[way].sites.get(site)! })),
    };
  });
  const layers = costs.exact.layers.map((_, layer) => each((way) => costs[way].layers[layer]!));
  return { dense, sites, layers, all: each((way) => costs[way].all) };
}

function lossOfWay(
  calibration: Calibration,
  way: Way,
  selectionAt: (site: string) => Sparsity,
  limits: ReadonlyMap<string, number>,
): LossAt {
  if (way === 'exact')
    return (sites) =>
      lossWith(
        calibration,
        sparseAt(calibration, Object.fromEntries(sites.map((site) => [site, selectionAt(site)]))),
      );
  const selectorAt = (site: string): Selector =>
    way === 'statistical' ? statisticalSelector(selectionAt(site)) : thresholdSelector(limits.get(site)!);
  return (sites) => lossSelecting(calibration, new Map(sites.map((site) => [site, selectorAt(site)])));
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
