/** `qsparse inspect PATH`: parameters, sparsity and size of a model or run folder; tensors of a file. */
import { stat } from 'node:fs/promises';
import { openSafetensors } from '@qsparse/formats';
import { openGguf } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import {
  countParameters,
  type DecoderConfig,
  SITES,
  selectionOf,
  siteParameters,
  siteWidths,
  sparsityAt,
} from '@qsparse/layers';
import { readModelConfig, resolveModelFolder } from 'qsparse/node';
import { type Command, requiredPositional } from '../command.ts';

export const command: Command = {
  name: 'inspect',
  usage: 'MODEL|FILE.safetensors|FILE.gguf [--json]',
  summary: 'Shows architecture, parameters, size and selection of a model, or the tensors of a file.',
  positionals: 1,
  options: {},
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder or file');
    const isFile = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    const report = isFile ? await inspectAnyFile(path) : await inspectModel(path);
    output.line(args.flags.json ? JSON.stringify(report.data) : report.lines.join('\n'));
    return 0;
  },
};

interface Report {
  readonly data: object;
  readonly lines: readonly string[];
}

function inspectAnyFile(path: string): Promise<Report> {
  return path.endsWith('.gguf') ? inspectGguf(path) : inspectFile(path);
}

async function inspectGguf(path: string): Promise<Report> {
  const file = await openGguf(await openFileReader(path));
  try {
    const tensors = [...file.tensors.values()].map(({ name, type, shape, byteLength }) => ({
      name,
      type,
      shape,
      bytes: byteLength,
    }));
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    // Of long lists, vocabularies for one, only how long they are.
    const metadata = [...file.metadata].map(([key, { value }]): [string, string] =>
      typeof value === 'object' ? [key, `${value.length} values`] : [key, String(value)],
    );
    return {
      data: { path, tensors, bytes, metadata: Object.fromEntries(metadata) },
      lines: [
        ...metadata.map(([key, value]) => `${printable(key)}: ${printable(value)}`),
        ...tensors.map(
          ({ name, type, shape }) => `${type.padEnd(5)} [${shape.join(', ')}]  ${printable(name)}`,
        ),
        `${tensors.length} tensors, ${mebibytes(bytes)}`,
      ],
    };
  } finally {
    await file.close();
  }
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

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
