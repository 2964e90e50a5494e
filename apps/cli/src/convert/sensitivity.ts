/** What a way to select costs: the loss with one site selecting, with one layer, and with all. */

/** Mean loss in nats a token with selection at these sites alone. */
export type LossAt = (sites: readonly string[]) => Promise<number>;

export interface Sensitivity {
  /** With only this site selecting, in the order of the model. */
  readonly sites: ReadonlyMap<string, number>;
  /** With only the four sites of this layer selecting. */
  readonly layers: readonly number[];
  /** With all of them selecting. */
  readonly all: number;
}

/** One pass over the text for each site, for each layer, and for all. */
export async function measureSensitivity(
  names: readonly string[],
  layers: number,
  lossAt: LossAt,
): Promise<Sensitivity> {
  const sites = new Map<string, number>();
  for (const site of names) sites.set(site, await lossAt([site]));
  const byLayer: number[] = [];
  for (let layer = 0; layer < layers; layer++)
    byLayer.push(await lossAt(names.filter((site) => site.startsWith(`layers.${layer}.`))));
  return { sites, layers: byLayer, all: await lossAt(names) };
}
