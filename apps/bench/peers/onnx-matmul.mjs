// A one-node ONNX model, y = a · b with f32 [n, n] inputs, written as protocol buffer bytes (onnx.proto: ModelProto).

const varint = (value) => {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
};
const field = (number, bytes) => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
const integer = (number, value) => [...varint(number * 8), ...varint(value)];
const text = (number, value) => field(number, [...new TextEncoder().encode(value)]);

/** ValueInfoProto: a float tensor of n x n. */
const matrix = (name, n) => {
  const dimension = field(1, integer(1, n));
  const tensorType = [...integer(1, 1), ...field(2, [...dimension, ...dimension])];
  return [...text(1, name), ...field(2, field(1, tensorType))];
};

/** @param {number} n */
export function matmulModel(n) {
  const node = [...text(1, 'a'), ...text(1, 'b'), ...text(2, 'y'), ...text(4, 'MatMul')];
  const graph = [
    ...field(1, node),
    ...text(2, 'matmul'),
    ...field(11, matrix('a', n)),
    ...field(11, matrix('b', n)),
    ...field(12, matrix('y', n)),
  ];
  const opset = [...text(1, ''), ...integer(2, 13)];
  return Uint8Array.from([...integer(1, 8), ...field(7, graph), ...field(8, opset)]);
}
