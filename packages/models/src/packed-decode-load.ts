/** A decoder from a folder that `packedDecodeTensors` made: its matrices come to the device as they are stored. */
import { type Device, ValueError } from '@qsparse/core';
import { FormatError, type LoadedTensor, requireTensors, type TensorStore, toFloats } from '@qsparse/formats';
import {
  createPackedDecoder,
  type Decoder,
  type DecoderConfig,
  decoderParams,
  type Int8Rows,
  isLinearWeight,
} from '@qsparse/layers';
import { channelBytes } from '@qsparse/quantizers';
import { type LoadOptions, loadParameter, partOf } from './checkpoint.ts';
import { type PackedMatrix, packedMatrices, requirePackable, vocabularyTables } from './packed-decode.ts';

const MATCH = {
  label: 'load',
  unexpected: 'belongs to no part of this packed model',
  advice: 'check that config.json belongs to these weights, or export the model again',
};

/**
 * One matrix at a time is in host memory. Throws FormatError naming file and tensor for one that is missing, extra,
 * misshapen, of another dtype or no ternary weights, ValueError for a config that is not ternary with int8 activations, and
 * the signal's reason.
 */
export async function loadPackedDecode(
  device: Device,
  config: DecoderConfig,
  store: TensorStore,
  { onProgress, signal }: Pick<LoadOptions, 'onProgress' | 'signal'> = {},
): Promise<Decoder> {
  requirePackable(config);
  const layers = Array.from({ length: config.layers }, (_, layer) => packedMatrices(config, layer));
  requireStored(
    config,
    store,
    layers.flatMap((matrices) => [...matrices.values()]),
  );
  const totalBytes = [...store.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  let bytes = 0;
  const arrived = (tensor: string): void => {
    bytes += store.tensors.get(tensor)!.byteLength;
    onProgress?.({ tensor, bytes, totalBytes });
  };
  const model = await createPackedDecoder(
    device,
    config,
    async (layer, matrix) => {
      const { name } = layers[layer]!.get(matrix)!;
      const packed = await store.read(`${name}.packed`, signal);
      requireCodes(packed.data as Uint8Array, store.name, packed.name);
      const stored = await store.read(`${name}.factors`, signal);
      const factors = [...factorsOf(stored, store.name)];
      for (const arrival of [packed, stored]) arrived(arrival.name);
      return { bytes: packed.data as Uint8Array, factors };
    },
    { signal, vocabulary: await vocabularyOf(config, store, { arrived, signal }) },
  );
  try {
    for (const [name, param] of model.arena.params) {
      await loadParameter(param, store, name, { signal });
      arrived(name);
    }
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Throws ValueError for what such weights cannot do. */
export function requireDecoding(
  file: string,
  { gradients, compute }: { gradients: boolean; compute: string },
): void {
  if (!gradients && compute === 'f32') return;
  throw new ValueError(
    'model',
    `${file} holds weights packed for decoding, which ${gradients ? 'cannot be trained' : `compute in f32, not in ${compute}`}`,
    'give the model that they were exported from',
  );
}

/** Embedding and head where they are in int8, which the first name tells. */
async function vocabularyOf(
  config: DecoderConfig,
  store: TensorStore,
  { arrived, signal }: { arrived(tensor: string): void; readonly signal: AbortSignal | undefined },
): Promise<{ readonly embedding: Int8Rows; readonly head?: Int8Rows | undefined } | undefined> {
  if (!isInt8(config, store)) return undefined;
  const rows: Int8Rows[] = [];
  for (const { name } of vocabularyTables(config)) {
    const codes = await store.read(`${name}.codes`, signal);
    const scales = await store.read(`${name}.scales`, signal);
    rows.push({
      codes: codes.data as Int8Array,
      scales: Float32Array.from(factorsOf(scales, store.name)),
    });
    for (const arrival of [codes, scales]) arrived(arrival.name);
  }
  return { embedding: rows[0]!, head: rows[1] };
}

const isInt8 = (config: DecoderConfig, store: TensorStore): boolean =>
  store.tensors.has(`${vocabularyTables(config)[0]!.name}.codes`);

/** Throws FormatError for what multiplies nothing. */
function factorsOf(stored: LoadedTensor, file: string): ArrayLike<number> & Iterable<number> {
  const factors = toFloats(stored);
  const wrong = factors.find((factor: number) => !(factor >= 0 && factor < Number.POSITIVE_INFINITY));
  if (wrong !== undefined) throw damaged(file, stored.name, `must hold numbers of at least 0, got ${wrong}`);
  return factors;
}

function requireStored(config: DecoderConfig, store: TensorStore, matrices: readonly PackedMatrix[]): void {
  const tables = isInt8(config, store) ? vocabularyTables(config) : [];
  const isTable = (name: string): boolean => tables.some(({ parameter }) => parameter === name);
  const others = decoderParams(config).filter(({ name }) => !isLinearWeight(name) && !isTable(name));
  const codes = new Map<string, readonly number[]>();
  const packed = new Map<string, readonly number[]>();
  const floats = new Map<string, readonly number[]>(others.map(({ name, shape }) => [name, shape]));
  for (const { name, inputs, outputs, parts } of matrices) {
    packed.set(`${name}.packed`, [inputs, channelBytes(outputs)]);
    floats.set(`${name}.factors`, [parts.length]);
  }
  for (const { name } of tables) {
    codes.set(`${name}.codes`, [config.vocabularySize, config.hiddenSize]);
    floats.set(`${name}.scales`, [config.vocabularySize]);
  }
  requireTensors(
    partOf(store, (name) => packed.has(name)),
    packed,
    { ...MATCH, dtypes: ['u8'] },
  );
  requireTensors(
    partOf(store, (name) => codes.has(name)),
    codes,
    { ...MATCH, dtypes: ['i8'] },
  );
  requireTensors(
    partOf(store, (name) => !packed.has(name) && !codes.has(name)),
    floats,
    { ...MATCH, dtypes: ['f32', 'bf16', 'f16', 'f64'] },
  );
}

/** Two bits can say 3, which is no weight. */
function requireCodes(bytes: Uint8Array, file: string, tensor: string): void {
  const isWrong = (value: number): boolean => (value & (value >>> 1) & 0x5555_5555) !== 0;
  // Four bytes at a time: this reads all of the model.
  const whole = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0;
  const words = new Uint32Array(bytes.buffer, whole > 0 ? bytes.byteOffset : 0, whole);
  for (let i = 0; i < words.length; i++)
    if (isWrong(words[i]!)) throw damaged(file, tensor, `has a code 3 in bytes ${4 * i} to ${4 * i + 3}`);
  for (let i = 4 * whole; i < bytes.length; i++)
    if (isWrong(bytes[i]!)) throw damaged(file, tensor, `has a code 3 in byte ${i}`);
}

function damaged(file: string, tensor: string, what: string): FormatError {
  const message = `[load] ${file}: tensor "${tensor}" ${what}; the file is damaged: export the model again`;
  return new FormatError('value', message, { file, tensor });
}
