/**
 * Row gather: y[..., :] = table[ids[...], :]. Ids are values, which no shape check sees: one outside 0..V-1
 * gives a row of NaN, so that the step stops at its loss, and nothing outside the table is read.
 */
import { ShapeError } from '../errors.ts';
import type { Op } from '../op.ts';
import { run } from '../run.ts';
import { showShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { embeddingBackwardOp } from './embedding-backward.ts';
import { zeros } from './fill.ts';
import { requireDType, requireFloat } from './require.ts';

export const embeddingOp: Op<'table' | 'ids', 'y', null> = {
  name: 'embedding',
  infer({ table, ids }) {
    const dtype = requireFloat('embedding', { table });
    requireDType('embedding', 'ids', ids, 'i32');
    if (table.shape.length !== 2) {
      throw new ShapeError('embedding', `table must be [V, d], got ${showShape(table.shape)}`);
    }
    return { y: { dtype, shape: [...ids.shape, table.shape[1]!] } };
  },
  reference({ table, ids }, { y }, _attrs, types) {
    const [length, width] = types.table.shape as [number, number];
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      const inside = id >= 0 && id < length;
      for (let i = 0; i < width; i++) y[row * width + i] = inside ? table[id * width + i]! : Number.NaN;
    }
  },
  vjp: {
    save: ['ids'],
    pull({ d, saved, types, into }) {
      const offered = into('table');
      // Rows meet in the sum, so a fresh one is taken in f32 and rounded once.
      const sum = offered ?? zeros(d.y!.device, types.table.shape);
      run(embeddingBackwardOp, { dy: d.y!, ids: saved.ids!, into: sum }, null);
      return { table: offered ?? (types.table.dtype === 'bf16' ? cast(sum, 'bf16') : sum) };
    },
  },
};

/**
 * y [..., d] = rows of `table` [V, d] (f32 or bf16) at `ids` [...] (i32). An id outside 0..V-1 gives NaN. The
 * gradient of `table` adds up over repeated ids.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return run(embeddingOp, { table, ids }, null).y;
}
