/**
 * Who owns which bytes of linear memory: first fit over free ranges that merge with their neighbours. It grows the
 * memory when nothing fits. Addresses are multiples of 64.
 */
const ALIGN = 64;

export interface LinearHeap {
  /** Address of `bytes` bytes; undefined when the memory cannot grow that far. */
  reserve(bytes: number): number | undefined;
  release(address: number): void;
}

/** `growTo` makes all addresses below its argument usable, or throws. */
export function linearHeap(start: number, growTo: (bytes: number) => void): LinearHeap {
  let end = start;
  const used = new Map<number, number>();
  /** Free ranges by address; never two that touch. */
  const free: { address: number; bytes: number }[] = [];

  const insert = (address: number, bytes: number): void => {
    let position = free.findIndex((range) => range.address > address);
    if (position < 0) position = free.length;
    free.splice(position, 0, { address, bytes });
    const next = free[position + 1];
    if (next && address + bytes === next.address) {
      free[position]!.bytes += next.bytes;
      free.splice(position + 1, 1);
    }
    const before = free[position - 1];
    if (before && before.address + before.bytes === address) {
      before.bytes += free[position]!.bytes;
      free.splice(position, 1);
    }
  };

  return {
    reserve(bytes) {
      const size = Math.ceil(bytes / ALIGN) * ALIGN;
      const fit = free.findIndex((range) => range.bytes >= size);
      if (fit >= 0) {
        const range = free[fit]!;
        const { address } = range;
        range.address += size;
        range.bytes -= size;
        if (range.bytes === 0) free.splice(fit, 1);
        used.set(address, size);
        return address;
      }
      // The free range at the very end, if there is one, only needs the missing part.
      const last = free.at(-1);
      const touchesEnd = last !== undefined && last.address + last.bytes === end;
      const address = touchesEnd ? last.address : end;
      try {
        growTo(address + size);
      } catch {
        return undefined;
      }
      if (touchesEnd) free.pop();
      end = address + size;
      used.set(address, size);
      return address;
    },
    release(address) {
      const size = used.get(address);
      if (size === undefined) return;
      used.delete(address);
      insert(address, size);
    },
  };
}
