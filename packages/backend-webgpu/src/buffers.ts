/** Slots of core's pool as GPU buffers. A buffer is destroyed when the pool lets it go: the collector would be late. */
import { type MemoryReport, OutOfMemoryError, Pool, showShape, type Type } from '@qsparse/core';
import { firstLine, LimitError, showBytes } from './errors.ts';

const STORAGE_COPY_SRC_COPY_DST = 0x80 | 0x04 | 0x08;
const SCRATCH_BYTES = 256;
const HINT = 'use a smaller batch, a shorter row or a smaller model';

export interface Buffers {
  /** Throws LimitError where no buffer may be as large; `type` names the tensor in it. */
  alloc(bytes: number, type?: Type): number;
  free(slot: number): void;
  record(): ReturnType<Pool['record']>;
  of(slot: number): GPUBuffer;
  scratch(index: number): GPUBuffer;
  report(): MemoryReport;
  /** What is in use, for a device that has run out of memory. */
  outOfMemory(message: string): OutOfMemoryError;
  dispose(): void;
}

/** `most`: bytes after which allocation fails. `flush` sends work that may use a buffer which is about to go. */
export function createBuffers(device: GPUDevice, most: number, flush: () => void): Buffers {
  const buffers = new Map<number, GPUBuffer>();
  const scratches: GPUBuffer[] = [];
  let reserved = 0;
  let nextSlot = 1;
  /** The tensor that the next buffer is for. */
  let wanted: Type | undefined;
  const describe = (bytes: number): string =>
    `${wanted ? `${wanted.name ?? 'a tensor'} ${wanted.dtype} ${showShape(wanted.shape)}` : 'memory'} of ${showBytes(bytes)}`;
  const make = (label: string, size: number): GPUBuffer =>
    device.createBuffer({ label, size, usage: STORAGE_COPY_SRC_COPY_DST });
  const pool = new Pool('webgpu', {
    reserve(bytes) {
      if (reserved + bytes > most) return undefined;
      buffers.set(nextSlot, make(describe(bytes), bytes));
      reserved += bytes;
      return nextSlot++;
    },
    release(slot) {
      flush();
      const buffer = buffers.get(slot)!;
      reserved -= buffer.size;
      buffer.destroy();
      buffers.delete(slot);
    },
  });
  return {
    alloc(bytes, type) {
      const { maxBufferSize } = device.limits;
      wanted = type;
      if (bytes > maxBufferSize) {
        const what = `${describe(bytes)} does not fit: the adapter allows buffers of ${showBytes(maxBufferSize)}`;
        throw new LimitError('maxBufferSize', what, HINT);
      }
      return pool.alloc(bytes);
    },
    free: (slot) => pool.free(slot),
    record: () => pool.record(),
    of: (slot) => buffers.get(slot)!,
    scratch(index) {
      scratches[index] ??= make('absent', SCRATCH_BYTES);
      return scratches[index];
    },
    report: () => pool.report(),
    outOfMemory(message) {
      const { live, count, programs, free } = pool.report();
      const use = `${showBytes(live)} in ${count} tensors and ${showBytes(programs)} in captured programs are in use, ${showBytes(free)} are kept`;
      const [, label] = /BufferDescriptor "+([^"]+)"/.exec(message) ?? [];
      const forWhat = label ? ` for ${label}` : '';
      const what = `the GPU has no room left${forWhat} (${firstLine(message)}); ${use}`;
      return new OutOfMemoryError('webgpu', what, HINT);
    },
    dispose() {
      for (const buffer of [...buffers.values(), ...scratches]) buffer?.destroy();
      buffers.clear();
    },
  };
}
