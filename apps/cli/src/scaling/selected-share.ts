/** The S of a model in the scaling law: the share of inputs that selection leaves out, weighted by parameters. */
import { type DecoderConfig, selectionOf, siteParameters, siteWidths, sparsityAt } from '@qsparse/layers';

/** 0 to 1, after K was rounded to whole inputs; what is zero for other reasons is not in it. */
export function selectedShare(config: DecoderConfig): number {
  const widths = siteWidths(config);
  let [left, all] = [0, 0];
  for (const [site, parameters] of siteParameters(config)) {
    const width = widths.get(site)!;
    const { k, block } = selectionOf(sparsityAt(config.linear, site), width);
    left += parameters * (1 - k / (block > 0 ? block : width));
    all += parameters;
  }
  return left / all;
}
