/** A growing list of ids that ends as one Int32Array. */
export interface IdList {
  push(id: number): void;
  /** The ids so far, in an array of their own. */
  toArray(): Int32Array;
}

export function createIdList(capacity: number): IdList {
  let ids = new Int32Array(Math.max(capacity, 16));
  let length = 0;
  return {
    push(id) {
      if (length === ids.length) {
        const larger = new Int32Array(length * 2);
        larger.set(ids);
        ids = larger;
      }
      ids[length++] = id;
    },
    toArray: () => ids.slice(0, length),
  };
}
