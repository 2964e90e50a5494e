/**
 * A ternary model stored as decoding reads it, so that loading never needs its linear layers as floats: the matrices that
 * share an input as one, in the bytes of `packChannelMajor`, with the factor of each; all else as in any checkpoint, but for
 * an embedding and a head in int8 where that is asked for.
 *
 *   model.layers.N.self_attn.qkv.packed    u8 [inputs, channelBytes(outputs)]      ….factors    f32 [3], of q, k and v
 *   model.layers.N.self_attn.o.packed                                              ….factors    f32 [1]
 *   model.layers.N.mlp.gate_up.packed                                              ….factors    f32 [2]
 *   model.layers.N.mlp.down.packed                                                 ….factors    f32 [1]
 *   model.embed_tokens.codes               i8 [vocabulary, hidden]                 ….scales     f32 [vocabulary]
 *   lm_head.codes                          where the head is not the embedding
 */
import { ValueError } from '@qsparse/core';
import { type TensorStore, type TensorToWrite, toFloats } from '@qsparse/formats';
import { type DecoderConfig, decoderParams, isLinearWeight, type MatrixName } from '@qsparse/layers';
import { channelBytes, encodeInt8, packChannelMajor } from '@qsparse/quantizers';
import { type CheckpointOptions, checkWeights } from './checkpoint.ts';
import { readTernary } from './stored-weights.ts';

/** One packed matrix of a block: its name in the file, and the projections whose rows it holds, in their order. */
export interface PackedMatrix {
  readonly name: string;
  /** Parameters as `decoderParams` names them. */
  readonly parts: readonly { readonly name: string; readonly outputs: number }[];
  readonly outputs: number;
  readonly inputs: number;
}

const MATRICES: Readonly<Record<MatrixName, readonly [name: string, projections: readonly string[]]>> = {
  queryKeyValue: ['self_attn.qkv', ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj']],
  output: ['self_attn.o', ['self_attn.o_proj']],
  gateUp: ['mlp.gate_up', ['mlp.gate_proj', 'mlp.up_proj']],
  down: ['mlp.down', ['mlp.down_proj']],
};

/** The packed matrices of a layer, in the order of the model. */
export function packedMatrices(config: DecoderConfig, layer: number): ReadonlyMap<MatrixName, PackedMatrix> {
  const shapes = new Map(decoderParams(config).map(({ name, shape }) => [name, shape]));
  const prefix = `model.layers.${layer}.`;
  return new Map(
    Object.entries(MATRICES).map(([matrix, [name, projections]]) => {
      const parts = projections.map((projection) => {
        const own = `${prefix}${projection}.weight`;
        return { name: own, outputs: shapes.get(own)![0]! };
      });
      const inputs = shapes.get(parts[0]!.name)![1]!;
      const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
      return [matrix as MatrixName, { name: prefix + name, parts, outputs, inputs }] as const;
    }),
  );
}

/** Throws ValueError for a model that has no such form. */
export function requirePackable({ linear }: DecoderConfig): void {
  if (linear.weights === 'ternary' && linear.activations === 'int8') return;
  throw new ValueError(
    'packed-decode',
    `a model with ternary weights and int8 activations is required, got ${linear.weights} weights and ${linear.activations} activations`,
    'others are packed when they are loaded',
  );
}

/** A table of the vocabulary: a parameter, and its name in the file where it is in int8. */
export interface VocabularyTable {
  readonly parameter: string;
  readonly name: string;
}

/** The embedding, and the head where it is not the embedding. */
export function vocabularyTables({ tiedEmbedding }: DecoderConfig): readonly VocabularyTable[] {
  const names = ['model.embed_tokens', ...(tiedEmbedding ? [] : ['lm_head'])];
  return names.map((name) => ({ parameter: `${name}.weight`, name }));
}

export interface PackedDecodeOptions extends CheckpointOptions {
  /** Embedding and head; `int8` rounds them, a scale a row. Default: as they are stored. */
  readonly vocabulary?: 'int8' | undefined;
}

/**
 * For a writer, which reads each matrix when it comes to it; `PACKED_DECODE` are its text entries. The store stays open until
 * then. Throws ValueError for a model that has no such form, FormatError where the store does not hold the weights of `config`.
 */
export function packedDecodeTensors(
  config: DecoderConfig,
  store: TensorStore,
  { ternaryScale, vocabulary }: PackedDecodeOptions = {},
): TensorToWrite[] {
  requirePackable(config);
  checkWeights(config, store, { ternaryScale });
  const tables = vocabulary === 'int8' ? vocabularyTables(config) : [];
  const others = decoderParams(config)
    .filter(({ name }) => !isLinearWeight(name))
    .flatMap(({ name, shape }): TensorToWrite[] => {
      const table = tables.find(({ parameter }) => parameter === name);
      if (table) return int8Tensors(store, table, shape as readonly [number, number]);
      const { dtype } = store.tensors.get(name)!;
      return [{ name, dtype, shape, data: async () => (await store.read(name)).data }];
    });
  const packed = Array.from({ length: config.layers }, (_, layer) => [
    ...packedMatrices(config, layer).values(),
  ]).flat();
  return [
    ...others,
    ...packed.flatMap(({ name, parts, outputs, inputs }): TensorToWrite[] => {
      const read = async (): Promise<TwoParts> => {
        const codes = new Int8Array(outputs * inputs);
        const factors = new Float32Array(parts.length);
        let at = 0;
        for (const [i, { name: own, outputs: rows }] of parts.entries()) {
          const { values, scale } = await readTernary(store, own, [rows, inputs], ternaryScale);
          codes.set(values, at);
          factors[i] = scale;
          at += rows * inputs;
        }
        return { large: packChannelMajor(codes, outputs, inputs), small: factors };
      };
      const { large: bytes, small: scales } = twoTensors(read);
      return [
        { name: `${name}.packed`, dtype: 'u8', shape: [inputs, channelBytes(outputs)], data: bytes },
        { name: `${name}.factors`, dtype: 'f32', shape: [parts.length], data: scales },
      ];
    }),
  ];
}

function int8Tensors(
  store: TensorStore,
  { parameter, name }: VocabularyTable,
  [length, width]: readonly [number, number],
): TensorToWrite[] {
  const { large: codes, small: scales } = twoTensors(async () => {
    const encoded = encodeInt8(toFloats(await store.read(parameter)), width);
    return { large: encoded.values, small: Float32Array.from(encoded.scales) };
  });
  return [
    { name: `${name}.codes`, dtype: 'i8', shape: [length, width], data: codes },
    { name: `${name}.scales`, dtype: 'f32', shape: [length], data: scales },
  ];
}

/** Two tensors that one reading makes. */
interface TwoParts {
  readonly large: Uint8Array | Int8Array;
  readonly small: Float32Array;
}

/** Their data: the small one is kept from the reading of the large one, which a writer does first. */
function twoTensors(
  read: () => Promise<TwoParts>,
): Readonly<{ large(): Promise<TwoParts['large']>; small(): Promise<Float32Array> }> {
  let kept: Float32Array | undefined;
  return {
    async large() {
      const { large, small } = await read();
      kept = small;
      return large;
    },
    small: async () => kept ?? (await read()).small,
  };
}
