/** Cutting tensors that are larger than one binding may be. */
import { DTYPES, type View } from '@qsparse/core';
import { ALIGNMENT } from './bindings.ts';
import type { Range, Share } from './launch.ts';

/** Item counts are multiples of this where several ranges are needed: they begin aligned in every dtype. */
const ITEMS = 128;

export function rangesOf(count: number, shares: readonly Share[], maxBinding: number): readonly Range[] {
  let most = count;
  for (const [view, elements] of shares) {
    if (!view || elements === 0) continue;
    // The binding begins up to one alignment before the view.
    const bytes = (elements * DTYPES[view.dtype].bits) / 8;
    most = Math.min(most, Math.floor((maxBinding - 2 * ALIGNMENT) / bytes));
  }
  if (most >= count) return [{ first: 0, count }];
  const step = most > ITEMS ? most - (most % ITEMS) : Math.max(1, most);
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
    first: i * step,
    count: Math.min(step, count - i * step),
  }));
}

export function partOf(view: View, first: number, elements: number): View {
  const { slot, dtype, offset, name } = view;
  return { slot, dtype, name, offset: offset + (first * DTYPES[dtype].bits) / 8, shape: [elements] };
}
