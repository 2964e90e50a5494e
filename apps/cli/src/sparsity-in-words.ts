/** What was measured of a model's sparsity, in one line for people. */

/** Overall, and the means over the layers of each kind of site: `qkv 60.2 %, o 60.2 %, …`. */
export function sparsityInWords(
  overall: number,
  sites: Iterable<readonly [site: string, share: number]>,
): string {
  const shares = new Map<string, number[]>();
  for (const [site, share] of sites) {
    const kind = site.slice(site.lastIndexOf('.') + 1);
    shares.set(kind, [...(shares.get(kind) ?? []), share]);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const bySite = [...shares].map(([kind, values]) => `${kind} ${percent(mean(values))}`).join(', ');
  return `sparsity   ${percent(overall)} of the inputs of linear layers are zero, weighted by parameters (${bySite})`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
