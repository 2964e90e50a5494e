/**
 * The null device: computes nothing and counts. Launches, bytes and memory of a step can be checked where no
 * hardware is. What is read from it is zeros.
 */
import type { Device, View, Views } from '../device.ts';
import { byteLength, DTYPES, type HostArray } from '../dtype.ts';
import type { AnyOp } from '../op.ts';
import { Pool } from '../pool.ts';
import { sizeOf } from '../shape.ts';

export interface NullCounts {
  /** Launches by op name. */
  readonly launches: Readonly<Record<string, number>>;
  /** Bytes that those launches read and wrote, each view counted once a launch. */
  readonly bytes: number;
}

export interface NullDevice extends Device {
  counts(): NullCounts;
  resetCounts(): void;
}

/**
 * `composites`: run fused ops as their parts, to compare the two. `limit`: bytes after which allocation fails.
 */
export function nullDevice({
  composites = false,
  limit = Number.POSITIVE_INFINITY,
}: {
  readonly composites?: boolean;
  readonly limit?: number;
} = {}): NullDevice {
  let launches: Record<string, number> = {};
  let bytes = 0;
  let nextSlot = 1;
  let reserved = 0;
  const sizes = new Map<number, number>();
  let recorded: (() => void)[] | undefined;
  const pool = new Pool('null', {
    reserve(size) {
      if (reserved + size > limit) return undefined;
      reserved += size;
      sizes.set(nextSlot, size);
      return nextSlot++;
    },
    release(slot) {
      reserved -= sizes.get(slot)!;
      sizes.delete(slot);
    },
  });
  const hostZeros = (view: View): HostArray => {
    const { host } = DTYPES[view.dtype];
    const size = byteLength(view.dtype, sizeOf(view.shape));
    return new host(
      new ArrayBuffer(Math.ceil(size / 8) * 8),
      0,
      view.dtype === 'ternary' ? size : sizeOf(view.shape),
    );
  };
  return {
    name: 'null',
    description: 'computes nothing, counts launches and bytes',
    caps: { compute: ['f32', 'bf16'], float64: false, threads: 1 },
    alloc: (size) => pool.alloc(size),
    free: (slot) => pool.free(slot),
    write: () => {},
    read: async (from) => hostZeros(from),
    kernel(op: AnyOp) {
      if (composites && op.composite) return undefined;
      return (ins, outs) => {
        const moved = trafficOf(ins) + trafficOf(outs);
        const launch = () => {
          launches[op.name] = (launches[op.name] ?? 0) + 1;
          bytes += moved;
        };
        launch();
        recorded?.push(launch);
      };
    },
    record() {
      const memory = pool.record();
      const kept: (() => void)[] = [];
      recorded = kept;
      return {
        end() {
          recorded = undefined;
          memory.end();
          const replay = () => {
            for (const launch of kept) launch();
          };
          return { replay, launches: kept.length, bytes: memory.bytes, dispose: () => memory.dispose() };
        },
        abort() {
          recorded = undefined;
          memory.dispose();
        },
      };
    },
    memory: () => pool.report(),
    dispose: () => sizes.clear(),
    counts: () => ({ launches: { ...launches }, bytes }),
    resetCounts() {
      launches = {};
      bytes = 0;
    },
  };
}

function trafficOf(views: Views): number {
  let total = 0;
  for (const view of Object.values(views)) total += byteLength(view.dtype, sizeOf(view.shape));
  return total;
}
