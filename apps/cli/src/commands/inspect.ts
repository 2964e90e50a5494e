/** `qsparse inspect PATH`: parameters, sparsity and size of a model or run folder; tensors of a safetensors file. */
import { stat } from 'node:fs/promises';
import { openSafetensors } from '@qsparse/formats';
import { openFileReader } from '@qsparse/formats/node';
import { countParameters, type DecoderConfig, selectionOf, siteParameters } from '@qsparse/layers';
import { readModelConfig, resolveModelFolder } from 'qsparse/node';
import { type Command, requiredPositional } from '../command.ts';

export const command: Command = {
  name: 'inspect',
  usage: 'MODEL|FILE.safetensors [--json]',
  summary: 'Shows architecture, parameters, size and selection of a model, or the tensors of a file.',
  positionals: 1,
  options: {},
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder or file');
    const isFile = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    const report = isFile ? await inspectFile(path) : await inspectModel(path);
    output.line(args.flags.json ? JSON.stringify(report.data) : report.lines.join('\n'));
    return 0;
  },
};

interface Report {
  readonly data: object;
  readonly lines: readonly string[];
}

async function inspectFile(path: string): Promise<Report> {
  const store = await openSafetensors(await openFileReader(path));
  try {
    const tensors = [...store.tensors.values()].map(({ name, dtype, shape, byteLength }) => ({
      name,
      dtype,
      shape,
      bytes: byteLength,
    }));
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    const lines = tensors.map(
      ({ name, dtype, shape }) => `${dtype.padEnd(4)} [${shape.join(', ')}]  ${printable(name)}`,
    );
    return {
      data: { path, tensors, bytes, metadata: Object.fromEntries(store.metadata) },
      lines: [...lines, `${tensors.length} tensors, ${mebibytes(bytes)}`],
    };
  } finally {
    await store.close();
  }
}

/** A name from a file must not steer the terminal. */
const printable = (name: string): string => (/[\p{C}\p{Zl}\p{Zp}]/u.test(name) ? JSON.stringify(name) : name);

async function inspectModel(path: string): Promise<Report> {
  const folder = await resolveModelFolder(path);
  const { family, decoder, ignoredKeys } = await readModelConfig(folder);
  const parameters = countParameters(decoder);
  const sites = sitesOf(decoder);
  const sparsity = overallSparsity(decoder, sites);
  const { linear } = decoder;
  const bits = linear.weights === 'ternary' ? 2 : 32;
  const bytes = {
    f32: parameters.total * 4,
    packed: (parameters.linear * bits) / 8 + (parameters.total - parameters.linear) * 4,
    cache: 2 * 4 * decoder.layers * decoder.contextLength * decoder.keyValueHeads * decoder.headSize,
  };
  const grouped = (value: number) => value.toLocaleString('en');
  return {
    data: {
      folder,
      family,
      config: decoder,
      parameters,
      sites: Object.fromEntries(sites),
      sparsity,
      bytes,
      ignoredKeys,
    },
    lines: [
      folder,
      `${family}: ${decoder.layers} layers, width ${decoder.hiddenSize}, ${decoder.heads} heads of ${decoder.headSize} (${decoder.keyValueHeads} key-value), feed-forward ${decoder.intermediateSize} (${decoder.activation}), context ${decoder.contextLength}, vocabulary ${decoder.vocabularySize}`,
      `parameters: ${grouped(parameters.total)} (${grouped(parameters.linear)} in linear layers, ${grouped(parameters.embedding)} in embedding and head)`,
      `linear layers: ${linear.weights} weights, ${linear.activations} activations, ${(100 * sparsity).toFixed(1)} % of the inputs left out by selection`,
      ...[...sites].map(([site, { kept, width }]) => `  ${site.padEnd(8)} keeps ${kept} of ${width}`),
      ...peculiarities(decoder),
      `size: ${mebibytes(bytes.f32)} in f32, ${mebibytes(bytes.packed)} with packed linear layers; key-value cache ${mebibytes(bytes.cache)} a sequence`,
      ...(ignoredKeys.length > 0
        ? [`keys of config.json that change nothing: ${ignoredKeys.map(printable).join(', ')}`]
        : []),
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

/** What each site of a block keeps. */
function sitesOf(config: DecoderConfig): Sites {
  const widths = {
    qkv: config.hiddenSize,
    o: config.heads * config.headSize,
    'gate-up': config.hiddenSize,
    down: config.intermediateSize,
  };
  return new Map(
    Object.entries(widths).map(([site, width]) => {
      const { k, block } = selectionOf(config.linear.sparsity, width);
      return [site, { kept: block > 0 ? (k * width) / block : k, width }];
    }),
  );
}

/** Share of inputs left out by selection, weighted by the parameters behind each site. */
function overallSparsity(config: DecoderConfig, sites: Sites): number {
  let [skipped, total] = [0, 0];
  for (const [name, size] of siteParameters(config)) {
    const { kept, width } = sites.get(name.slice(name.lastIndexOf('.') + 1))!;
    skipped += size * (1 - kept / width);
    total += size;
  }
  return skipped / total;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
