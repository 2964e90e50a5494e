import { describe, expect, it } from 'vitest';
import { createIdList } from '../../src/tokenizer/id-list.ts';

describe('createIdList', () => {
  it('grows from nothing and keeps the order', () => {
    const list = createIdList(0);
    expect(list.toArray()).toEqual(new Int32Array(0));
    for (let id = 0; id < 1000; id++) list.push(id);
    expect(list.toArray()).toEqual(Int32Array.from({ length: 1000 }, (_, id) => id));
  });

  it('gives arrays of their own', () => {
    const list = createIdList(4);
    list.push(1);
    const first = list.toArray();
    list.push(2);
    list.toArray().fill(9);
    expect([...first, ...list.toArray()]).toEqual([1, 1, 2]);
  });
});
