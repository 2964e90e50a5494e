/** A binary heap: the item that comes before all others is taken first. */
export interface Heap<T> {
  readonly size: number;
  push(item: T): void;
  /** Takes the first item; `undefined` when there is none. */
  pop(): T | undefined;
}

export function createHeap<T>(comesBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  return {
    get size() {
      return items.length;
    },
    push(item) {
      let at = items.length;
      items.push(item);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!comesBefore(item, items[parent]!)) break;
        items[at] = items[parent]!;
        at = parent;
      }
      items[at] = item;
    },
    pop() {
      const first = items[0];
      const item = items.pop();
      if (item === undefined || items.length === 0) return first;
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && comesBefore(items[child + 1]!, items[child]!)) child++;
        if (!comesBefore(items[child]!, item)) break;
        items[at] = items[child]!;
        at = child;
      }
      items[at] = item;
      return first;
    },
  };
}
