/**
 * An embedding table in int8, a scale a row (encode.ts makes it), for models that are run: a quarter of the bytes that the
 * head reads for every token. Both uses of it; no gradient.
 */
import {
  cast,
  embedding,
  type FusedOp,
  matmul,
  multiply,
  requireDType,
  requireFloat,
  requireRank,
  requireSameShape,
  reshape,
  run,
  ShapeError,
  showShape,
  type Tensor,
  type Type,
} from '@qsparse/core';

/** table i8 [V, d]; scales f32 [V]. */
export interface Int8Table {
  readonly table: Tensor;
  readonly scales: Tensor;
}

function requireTable(where: string, table: Type, scales: Type): readonly [number, number] {
  requireDType(where, 'table', table, 'i8');
  requireDType(where, 'scales', scales, 'f32');
  if (table.shape.length !== 2) {
    throw new ShapeError(where, `table must be [V, d], got ${showShape(table.shape)}`);
  }
  requireSameShape(where, 'scales', scales.shape, table.shape.slice(0, 1));
  return table.shape as [number, number];
}

/** ids i32 [...] → y f32 [..., d] = scales[id] · table[id]; an id outside of the table gives NaN. */
export const int8EmbeddingOp: FusedOp<'table' | 'scales' | 'ids', 'y', null> = {
  name: 'int8-embedding',
  infer({ table, scales, ids }) {
    const [, width] = requireTable('int8-embedding', table, scales);
    requireDType('int8-embedding', 'ids', ids, 'i32');
    return { y: { dtype: 'f32', shape: [...ids.shape, width] } };
  },
  reference({ table, scales, ids }, { y }, _attrs, types) {
    const [length, width] = types.table.shape as [number, number];
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      const scale = id >= 0 && id < length ? scales[id]! : Number.NaN;
      for (let i = 0; i < width; i++) y[row * width + i] = scale * (table[id * width + i] ?? 0);
    }
  },
  composite({ table, scales, ids }) {
    const [count, width] = [ids.size, table.shape[1]!];
    const rows = reshape(embedding(cast(table, 'f32'), ids), [count, 1, width]);
    const factors = reshape(embedding(reshape(scales, [scales.size, 1]), ids), [count, 1, 1]);
    return { y: reshape(matmul(factors, rows), [...ids.shape, width]) };
  },
};

/**
 * x [..., d] (f32 or bf16) → y [..., V] of its dtype = scales · (x · tableᵀ). A kernel may round x to levels of 2^-14 of its
 * row's largest magnitude; a row with NaN or infinity becomes NaN, or has it where float arithmetic has.
 */
export const int8HeadOp: FusedOp<'x' | 'table' | 'scales', 'y', null> = {
  name: 'int8-head',
  infer({ x, table, scales }) {
    const dtype = requireFloat('int8-head', { x });
    requireRank('int8-head', 'x', x.shape, 1);
    const [length, width] = requireTable('int8-head', table, scales);
    if (x.shape.at(-1) !== width) {
      throw new ShapeError('int8-head', `x must have rows of ${width}, got ${showShape(x.shape)}`);
    }
    return { y: { dtype, shape: [...x.shape.slice(0, -1), length] } };
  },
  reference({ x, table, scales }, { y }) {
    const width = table.length / scales.length;
    for (let i = 0; i < y.length; i++) {
      const [row, output] = [Math.floor(i / scales.length), i % scales.length];
      let sum = 0;
      for (let j = 0; j < width; j++) sum += x[row * width + j]! * table[output * width + j]!;
      y[i] = sum * scales[output]!;
    }
  },
  composite({ x, table, scales }) {
    const rows = reshape(cast(x, 'f32'), [x.size / table.shape[1]!, table.shape[1]!]);
    const product = multiply(matmul(rows, cast(table, 'f32'), { transposeB: true }), scales);
    return { y: cast(reshape(product, [...x.shape.slice(0, -1), scales.size]), x.dtype) };
  },
};

/** Rows of the table at `ids` [...] → f32 [..., d]. Throws ShapeError, DTypeError. */
export function int8Embedding({ table, scales }: Int8Table, ids: Tensor): Tensor {
  return run(int8EmbeddingOp, { table, scales, ids }, null).y;
}

/** x [..., d] times the table → [..., V]. Throws ShapeError, DTypeError. */
export function int8Head(x: Tensor, { table, scales }: Int8Table): Tensor {
  return run(int8HeadOp, { x, table, scales }, null).y;
}
