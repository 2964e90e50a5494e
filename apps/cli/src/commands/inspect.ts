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
  async run(args) {
    const path = requiredPositional(command, args, 'the model folder or file');
    const isFile = await stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
    const report = isFile ? await inspectFile(path) : await inspectModel(path);
    console.log(args.flags.json ? JSON.stringify(report.data) : report.lines.join('\n'));
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
      ({ name, dtype, shape }) => `${dtype.padEnd(4)} [${shape.join(', ')}]  ${name}`,
    );
    return {
      data: { path, tensors, bytes, metadata: Object.fromEntries(store.metadata) },
      lines: [...lines, `${tensors.length} tensors, ${mebibytes(bytes)}`],
    };
  } finally {
    await store.close();
  }
}

async function inspectModel(path: string): Promise<Report> {
  const folder = await resolveModelFolder(path);
  const { decoder } = await readModelConfig(folder);
  const parameters = countParameters(decoder);
  const sites = sitesOf(decoder);
  const { linear } = decoder;
  const bits = linear.weights === 'ternary' ? 2 : 32;
  const packedBytes = (parameters.linear * bits) / 8 + (parameters.total - parameters.linear) * 4;
  const cacheBytes =
    2 * 4 * decoder.layers * decoder.contextLength * decoder.keyValueHeads * decoder.headSize;
  const data = {
    folder,
    config: decoder,
    parameters,
    sites: Object.fromEntries(sites.map(({ site, kept, width }) => [site, { kept, width }])),
    selectedAway: overall(decoder),
    f32Bytes: parameters.total * 4,
    packedBytes,
    cacheBytes,
  };
  const lines = [
    `${folder}`,
    `decoder: ${decoder.layers} layers, width ${decoder.hiddenSize}, ${decoder.heads} heads of ${decoder.headSize} (${decoder.keyValueHeads} key-value), feed-forward ${decoder.intermediateSize} (${decoder.activation}), context ${decoder.contextLength}, vocabulary ${decoder.vocabularySize}`,
    `parameters: ${parameters.total.toLocaleString('en')} (${parameters.linear.toLocaleString('en')} in linear layers, ${parameters.embedding.toLocaleString('en')} in embedding and head)`,
    `linear layers: ${linear.weights} weights, ${linear.activations} activations, ${(100 * overall(decoder)).toFixed(1)} % of the inputs left out by selection`,
    ...sites.map(({ site, kept, width }) => `  ${site.padEnd(8)} keeps ${kept} of ${width}`),
    `size: ${mebibytes(parameters.total * 4)} in f32, ${mebibytes(packedBytes)} with packed linear layers; key-value cache ${mebibytes(cacheBytes)} a sequence`,
  ];
  return { data, lines };
}

function sitesOf(config: DecoderConfig): { site: string; kept: number; width: number }[] {
  const widths = {
    qkv: config.hiddenSize,
    o: config.heads * config.headSize,
    'gate-up': config.hiddenSize,
    down: config.intermediateSize,
  };
  return Object.entries(widths).map(([site, width]) => {
    const { k, block } = selectionOf(config.linear.sparsity, width);
    return { site, kept: block > 0 ? (k * width) / block : k, width };
  });
}

/** Share of inputs left out, weighted by the parameters behind each site. */
function overall(config: DecoderConfig): number {
  const shares = new Map(sitesOf(config).map(({ site, kept, width }) => [site, 1 - kept / width]));
  let [skipped, total] = [0, 0];
  for (const [name, size] of siteParameters(config)) {
    skipped += size * shares.get(name.split('.').at(-1)!)!;
    total += size;
  }
  return skipped / total;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
