/** `qsparse inspect PATH`: parameters, sparsity and size of a model or run folder; tensors of a file. */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ValueError } from '@qsparse/core';
import { FormatError, openSafetensors } from '@qsparse/formats';
import { openGguf } from '@qsparse/formats/gguf';
import { openFileReader } from '@qsparse/formats/node';
import { openGgufModel, openWeights } from '@qsparse/models';
import { folderFiles, readModelConfig, resolveModelFolder } from 'qsparse/node';
import { type Command, requiredPositional } from '../command.ts';
import { describeDecoder, mebibytes, type Report } from '../inspect/describe-decoder.ts';
import { storedBytes } from '../inspect/memory.ts';
import { SHOWCASE, showcaseFolder } from '../showcase.ts';

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
    const model = await describeGguf(path);
    const stored = storedBytes(tensors.map(({ type, bytes: byteLength }) => ({ dtype: type, byteLength })));
    // Of long lists, vocabularies for one, only how long they are.
    const metadata = [...file.metadata].map(([key, { value }]): [string, string] =>
      typeof value === 'object' ? [key, `${value.length} values`] : [key, String(value)],
    );
    return {
      data: {
        path,
        ...model?.data,
        tensors,
        stored: Object.fromEntries(stored),
        metadata: Object.fromEntries(metadata),
      },
      lines: [
        ...(model?.lines ?? []),
        ...metadata.map(([key, value]) => `${printable(key)}: ${printable(value)}`),
        ...tensors.map(
          ({ name, type, shape }) => `${type.padEnd(5)} [${shape.join(', ')}]  ${printable(name)}`,
        ),
        storedLine(stored),
        `${tensors.length} tensors, ${mebibytes(bytes)}`,
      ],
    };
  } finally {
    await file.close();
  }
}

function storedLine(stored: ReadonlyMap<string, number>): string {
  return `stored: ${[...stored].map(([dtype, bytes]) => `${mebibytes(bytes)} ${dtype}`).join(', ')}`;
}

/** Undefined for a file that is no model, or one that cannot be run here. */
async function describeGguf(path: string): Promise<Report | undefined> {
  try {
    const { file, llama, decoder } = await openGgufModel(await openFileReader(path));
    await file.close();
    return describeDecoder(llama.architecture, decoder);
  } catch (error) {
    if (error instanceof FormatError || error instanceof ValueError) return undefined;
    throw error;
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
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  const isShowcase = !exists && path === SHOWCASE;
  const folder = isShowcase ? fileURLToPath(await showcaseFolder()) : await resolveModelFolder(path);
  const { family, decoder, ignoredKeys } = await readModelConfig(folder);
  const store = await openWeights(folderFiles(folder));
  await store.close();
  const stored = storedBytes(store.tensors.values());
  const { data, lines } = describeDecoder(family, decoder);
  return {
    data: { folder, ...data, stored: Object.fromEntries(stored), ignoredKeys },
    lines: [
      folder,
      ...lines,
      storedLine(stored),
      ...(ignoredKeys.length > 0
        ? [`keys of config.json that change nothing: ${ignoredKeys.map(printable).join(', ')}`]
        : []),
    ],
  };
}
