/**
 * A decoder of the Llama family as an ONNX file of random weights: linear layers as MatMulNBits of 2 or 4 bits, attention as
 * GroupQueryAttention with its cache as inputs and outputs, which is how onnxruntime's own exporters write such models.
 */
import { writeFileAtomic } from '@qsparse/formats/node';
import { type Bytes, bytesField, bytesHead, floatField, integerField, joined } from './protobuf.ts';
import { blockLinears, CONTEXT, type PeerShape, randomNumbers } from './shapes.ts';

/** Numbers of onnx.proto and of its TensorProto.DataType. */
const ATTRIBUTE = { float: 1, integer: 2 } as const;
const TYPE = { float: 1, byte: 2, int32: 6, int64: 7 } as const;
const MICROSOFT = 'com.microsoft';
const IR_VERSION = 9;
const OPSET = 17;
/** Weights that share a scale. */
const BLOCK = { 2: 64, 4: 32 } as const;
/** Activations rounded to int8 within the product, the fastest form. */
const INT8_ACTIVATIONS = 4;

interface Initializer {
  readonly head: Bytes;
  readonly data: () => Bytes;
  readonly length: number;
}

/** Writes all of it or nothing, a matrix in memory at a time. */
export async function writeOnnxModel(path: string, shape: PeerShape, bits: 2 | 4): Promise<void> {
  const graph = graphOf(shape, bits);
  const parts = graph.initializers.map(({ head, length }) => {
    const rawHead = bytesHead(9, length);
    return joined([bytesHead(5, head.length + rawHead.length + length), head, rawHead]);
  });
  const weights = graph.initializers.reduce((sum, { length }, i) => sum + parts[i]!.length + length, 0);
  const body = graph.before.length + weights + graph.after.length;
  const opset = (domain: string, version: number) =>
    bytesField(8, joined([bytesField(1, domain), integerField(2, version)]));
  await writeFileAtomic(path, async (sink) => {
    await sink.write(
      joined([
        integerField(1, IR_VERSION),
        ...[opset('', OPSET), opset(MICROSOFT, 1), bytesHead(7, body), graph.before],
      ]),
    );
    for (const [i, { data }] of graph.initializers.entries()) {
      await sink.write(parts[i]!);
      await sink.write(data());
    }
    await sink.write(graph.after);
  });
}

interface Graph {
  /** GraphProto but for the initializers, in two parts. */
  readonly before: Bytes;
  readonly after: Bytes;
  readonly initializers: readonly Initializer[];
}

function graphOf(shape: PeerShape, bits: 2 | 4): Graph {
  const { hiddenSize: d, layers, heads, keyValueHeads, vocabularySize } = shape;
  const headSize = d / heads;
  const nodes: Bytes[] = [];
  const initializers: Initializer[] = [];
  const node = (
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    { domain = '', attributes = [] }: { domain?: string; attributes?: readonly Bytes[] } = {},
  ): void => {
    const names = [
      ...inputs.map((name) => bytesField(1, name)),
      ...outputs.map((name) => bytesField(2, name)),
    ];
    const name = bytesField(3, `${type}_${nodes.length}`);
    const what = [bytesField(4, type), ...attributes.map((attribute) => bytesField(5, attribute))];
    nodes.push(bytesField(1, joined([...names, name, ...what, bytesField(7, domain)])));
  };
  const weight = (
    name: string,
    sizes: readonly number[],
    type: number,
    data: () => Bytes,
    length: number,
  ) => {
    const dimensions = sizes.map((size) => integerField(1, size));
    initializers.push({
      head: joined([...dimensions, integerField(2, type), bytesField(8, name)]),
      data,
      length,
    });
  };
  const floats = (name: string, sizes: readonly number[], draw: () => number): void => {
    const count = sizes.reduce((product, size) => product * size, 1);
    const data = () => new Uint8Array(Float32Array.from({ length: count }, draw).buffer);
    weight(name, sizes, TYPE.float, data, 4 * count);
  };
  const random = randomNumbers(521_288_629);
  const pool = Uint8Array.from({ length: 2 ** 20 + 1 }, () => 256 * random());
  const linear = (input: string, output: string, rows: number, columns: number): void => {
    const blocks = columns / BLOCK[bits];
    const blockBytes = (BLOCK[bits] * bits) / 8;
    const length = rows * blocks * blockBytes;
    const codes = () => Uint8Array.from({ length }, (_, i) => pool[i % pool.length]!);
    weight(`${output}.w`, [rows, blocks, blockBytes], TYPE.byte, codes, length);
    floats(`${output}.scale`, [rows * blocks], () => 0.01);
    const sizes = { K: columns, N: rows, bits, block_size: BLOCK[bits], accuracy_level: INT8_ACTIVATIONS };
    node('MatMulNBits', [input, `${output}.w`, `${output}.scale`], [output], {
      domain: MICROSOFT,
      attributes: Object.entries(sizes).map(integerAttribute),
    });
  };
  const norm = (input: string, output: string): void => {
    floats(`${output}.norm`, [d], () => 1);
    node('SimplifiedLayerNormalization', [input, `${output}.norm`], [output], {
      attributes: [integerAttribute(['axis', -1]), floatAttribute('epsilon', 1e-6)],
    });
  };
  const inputs = [
    value('ids', TYPE.int64, [1, 's']),
    value('last', TYPE.int32, [1]),
    value('total', TYPE.int32, [1]),
  ];
  const outputs = [value('logits', TYPE.float, [1, 's', vocabularySize])];
  floats('embedding', [vocabularySize, d], () => (2 * random() - 1) * 0.03);
  for (const name of ['cosines', 'sines']) floats(name, [CONTEXT, headSize / 2], () => Math.SQRT1_2);
  node('Gather', ['embedding', 'ids'], ['x0']);
  for (let layer = 0; layer < layers; layer++) {
    const own = (name: string): string => `${name}${layer}`;
    const [q, k, v, o, gate, up, down] = blockLinears(shape);
    const project = (
      { outputs: rows, inputs: columns }: { outputs: number; inputs: number },
      from: string,
      to: string,
    ) => linear(own(from), own(to), rows, columns);
    norm(own('x'), own('attention_in'));
    project(q!, 'attention_in', 'q');
    project(k!, 'attention_in', 'k');
    project(v!, 'attention_in', 'v');
    for (const part of ['key', 'value']) {
      inputs.push(value(own(`past_${part}`), TYPE.float, [1, keyValueHeads, 'p', headSize]));
      outputs.push(value(own(`present_${part}`), TYPE.float, [1, keyValueHeads, 't', headSize]));
    }
    const past = [own('past_key'), own('past_value'), 'last', 'total', 'cosines', 'sines'];
    const present = [own('attended'), own('present_key'), own('present_value')];
    node('GroupQueryAttention', [own('q'), own('k'), own('v'), ...past], present, {
      domain: MICROSOFT,
      attributes: Object.entries({ num_heads: heads, kv_num_heads: keyValueHeads, do_rotary: 1 }).map(
        integerAttribute,
      ),
    });
    project(o!, 'attended', 'o');
    node('Add', [own('x'), own('o')], [own('y')]);
    norm(own('y'), own('mlp_in'));
    project(gate!, 'mlp_in', 'gate');
    project(up!, 'mlp_in', 'up');
    node('Sigmoid', [own('gate')], [own('sigmoid')]);
    node('Mul', [own('gate'), own('sigmoid')], [own('silu')]);
    node('Mul', [own('silu'), own('up')], [own('gated')]);
    project(down!, 'gated', 'down');
    node('Add', [own('y'), own('down')], [`x${layer + 1}`]);
  }
  norm(`x${layers}`, 'states');
  linear('states', 'logits', vocabularySize, d);
  return {
    before: joined([...nodes, bytesField(2, 'decoder')]),
    after: joined([
      ...inputs.map((input) => bytesField(11, input)),
      ...outputs.map((output) => bytesField(12, output)),
    ]),
    initializers,
  };
}

/** AttributeProto. */
function integerAttribute([name, number]: readonly [string, number]): Bytes {
  return joined([bytesField(1, name), integerField(3, number), integerField(20, ATTRIBUTE.integer)]);
}

function floatAttribute(name: string, number: number): Bytes {
  return joined([bytesField(1, name), floatField(2, number), integerField(20, ATTRIBUTE.float)]);
}

/** ValueInfoProto; a text stands for a size that calls may choose. */
function value(name: string, type: number, sizes: readonly (number | string)[]): Bytes {
  const dimensions = sizes.map((size) =>
    bytesField(1, typeof size === 'number' ? integerField(1, size) : bytesField(2, size)),
  );
  const tensor = joined([integerField(1, type), bytesField(2, joined(dimensions))]);
  return joined([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}
