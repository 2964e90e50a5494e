/** A decoder in words and numbers: architecture, parameters, what its sites keep, what it takes. */
import {
  countParameters,
  type DecoderConfig,
  SITES,
  selectionOf,
  siteParameters,
  siteWidths,
  sparsityAt,
} from '@qsparse/layers';
import { memoryUse } from './memory.ts';

/** For programs, and for people. */
export interface Report {
  readonly data: object;
  readonly lines: readonly string[];
}

/** What a config says of a model. */
export function describeDecoder(family: string, decoder: DecoderConfig): Report {
  const parameters = countParameters(decoder);
  const sites = sitesOf(decoder);
  const sparsity = overallSparsity(decoder, sites);
  const { linear } = decoder;
  const bits = linear.weights === 'ternary' ? 2 : 32;
  const memory = memoryUse(decoder);
  const bytes = {
    f32: parameters.total * 4,
    packed: (parameters.linear * bits) / 8 + (parameters.total - parameters.linear) * 4,
    cache: memory.at(-1)!.cache,
  };
  const grouped = (value: number) => value.toLocaleString('en');
  return {
    data: {
      family,
      config: decoder,
      parameters,
      sites: Object.fromEntries(sites),
      sparsity,
      bytes,
      memory,
    },
    lines: [
      `${family}: ${decoder.layers} layers, width ${decoder.hiddenSize}, ${decoder.heads} heads of ${decoder.headSize} (${decoder.keyValueHeads} key-value), feed-forward ${decoder.intermediateSize} (${decoder.activation}), context ${decoder.contextLength}, vocabulary ${decoder.vocabularySize}`,
      `parameters: ${grouped(parameters.total)} (${grouped(parameters.linear)} in linear layers, ${grouped(parameters.embedding)} in embedding and head)`,
      `linear layers: ${linear.weights} weights, ${linear.activations} activations, ${(100 * sparsity).toFixed(1)} % of the inputs left out by selection`,
      ...[...sites].map(([site, { kept, width }]) => `  ${site.padEnd(8)} keeps ${kept} of ${width}`),
      ...peculiarities(decoder),
      `size: ${mebibytes(bytes.f32)} in f32, ${mebibytes(bytes.packed)} with packed linear layers`,
      'memory to run in f32, by the context of one sequence: key-value cache, with the weights',
      ...memory.map(
        ({ contextLength, cache, total }) =>
          `  ${String(contextLength).padStart(8)}  ${mebibytes(cache)}, ${mebibytes(total)}`,
      ),
    ],
  };
}

/** What only some models have. */
function peculiarities(config: DecoderConfig): readonly string[] {
  const { slidingWindow, slidingLayers, ropeScaling, queryKeyNorm, biases = [], subLayerNorms } = config;
  const sliding = slidingLayers ? ` in ${slidingLayers.filter(Boolean).length} layers` : '';
  const all = [
    slidingWindow > 0 && `sliding window of ${slidingWindow} tokens${sliding}`,
    ropeScaling && `${ropeScaling.kind} rope scaling by ${ropeScaling.factor}`,
    queryKeyNorm && 'norms of query and key heads',
    subLayerNorms && 'sub-layer norms',
    biases.length > 0 && `biases at ${biases.join(', ')}`,
  ].filter((what) => what !== false && what !== undefined);
  return all.length > 0 ? [`with ${all.join(', ')}`] : [];
}

type Sites = ReadonlyMap<string, { readonly kept: number; readonly width: number }>;

/** What each site keeps: of a block, where all blocks are alike. */
function sitesOf(config: DecoderConfig): Sites {
  const { sparsityBySite = {} } = config.linear;
  const all = [...siteWidths(config)];
  const shown = Object.keys(sparsityBySite).length > 0 ? all : all.slice(0, SITES.length);
  return new Map(
    shown.map(([site, width]) => {
      const { k, block } = selectionOf(sparsityAt(config.linear, site), width);
      const kept = block > 0 ? (k * width) / block : k;
      return [shown === all ? site : kindOf(site), { kept, width }];
    }),
  );
}

const kindOf = (site: string): string => site.slice(site.lastIndexOf('.') + 1);

/** Share of inputs left out by selection, weighted by the parameters behind each site. */
function overallSparsity(config: DecoderConfig, sites: Sites): number {
  let [skipped, total] = [0, 0];
  for (const [name, size] of siteParameters(config)) {
    const { kept, width } = (sites.get(name) ?? sites.get(kindOf(name)))!;
    skipped += size * (1 - kept / width);
    total += size;
  }
  return skipped / total;
}

export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
