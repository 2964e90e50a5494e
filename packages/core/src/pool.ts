/**
 * The memory of a device: freed slots are kept and reused, a recording gets a pool of its own that nobody else
 * touches, and running out says what was in use. Backends bring only `reserve` and `release`.
 */
import type { MemoryReport } from './device.ts';
import { OutOfMemoryError } from './errors.ts';

export interface Heap {
  /** A slot of exactly `bytes` bytes, or undefined when there is no room. */
  reserve(bytes: number): number | undefined;
  release(slot: number): void;
}

export interface PoolRecording {
  /** Bytes that the recording owns. */
  readonly bytes: number;
  /** Stops recording: from now on what was allocated in it stays with it. */
  end(): void;
  /** Gives its memory back; what tensors still hold follows when they let go. */
  dispose(): void;
}

/** Sizes are rounded up to this many bytes, so that nearly equal tensors share slots. */
const ROUND = 256;

export class Pool {
  readonly #device: string;
  readonly #heap: Heap;
  readonly #sizes = new Map<number, number>();
  /** Which recording a slot belongs to; absent for general memory. */
  readonly #owners = new Map<number, Owned>();
  readonly #free = new FreeList();
  #recording: Owned | undefined;
  #live = 0;
  #liveCount = 0;
  #programs = 0;
  #peak = 0;

  constructor(device: string, heap: Heap) {
    this.#device = device;
    this.#heap = heap;
  }

  alloc(bytes: number): number {
    const size = Math.ceil(Math.max(bytes, 1) / ROUND) * ROUND;
    const recording = this.#recording;
    const slot = recording?.free.take(size) ?? this.#fresh(size);
    if (recording) {
      if (!this.#owners.has(slot)) {
        this.#owners.set(slot, recording);
        recording.bytes += this.#sizes.get(slot)!;
        this.#programs += this.#sizes.get(slot)!;
      }
      recording.slots.set(slot, 'used');
    } else {
      this.#live += this.#sizes.get(slot)!;
      this.#liveCount += 1;
    }
    this.#peak = Math.max(this.#peak, this.#live + this.#programs);
    return slot;
  }

  free(slot: number): void {
    const owner = this.#owners.get(slot);
    if (owner) {
      owner.slots.set(slot, 'freed');
      // Outside of its recording a program's slot is never reused: replays write to it.
      if (owner === this.#recording) owner.free.give(this.#sizes.get(slot)!, slot);
      return;
    }
    this.#live -= this.#sizes.get(slot)!;
    this.#liveCount -= 1;
    this.#free.give(this.#sizes.get(slot)!, slot);
  }

  record(): PoolRecording {
    const owned: Owned = { slots: new Map(), free: new FreeList(), bytes: 0 };
    this.#recording = owned;
    return {
      get bytes() {
        return owned.bytes;
      },
      end: () => {
        this.#recording = undefined;
      },
      dispose: () => {
        if (this.#recording === owned) this.#recording = undefined;
        this.#programs -= owned.bytes;
        for (const [slot, state] of owned.slots) {
          const size = this.#sizes.get(slot)!;
          this.#owners.delete(slot);
          if (state === 'freed') {
            this.#free.give(size, slot);
          } else {
            // Somebody still holds it (a view of a result): it is general memory from now on.
            this.#live += size;
            this.#liveCount += 1;
          }
        }
        owned.slots.clear();
        owned.bytes = 0;
      },
    };
  }

  report(): MemoryReport {
    return {
      live: this.#live,
      programs: this.#programs,
      free: this.#free.bytes,
      peak: this.#peak,
      count: this.#liveCount,
    };
  }

  #fresh(size: number): number {
    const reused = this.#free.take(size);
    if (reused !== undefined) return reused;
    let slot = this.#heap.reserve(size);
    if (slot === undefined && this.#free.bytes > 0) {
      for (const kept of this.#free.drain()) {
        this.#sizes.delete(kept);
        this.#heap.release(kept);
      }
      slot = this.#heap.reserve(size);
    }
    if (slot === undefined) {
      throw new OutOfMemoryError(
        this.#device,
        `no room for ${mebibytes(size)}: ${mebibytes(this.#live)} in ${this.#liveCount} tensors and ${mebibytes(this.#programs)} in captured programs are in use`,
        'use a smaller batch, a shorter row or a smaller model',
      );
    }
    this.#sizes.set(slot, size);
    return slot;
  }
}

interface Owned {
  /** Every slot of the recording, and whether a tensor holds it. */
  readonly slots: Map<number, 'used' | 'freed'>;
  readonly free: FreeList;
  bytes: number;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Free slots by size; takes the smallest that fits and wastes at most half of it. */
class FreeList {
  readonly #slots = new Map<number, number[]>();
  #sorted: number[] = [];
  bytes = 0;

  give(size: number, slot: number): void {
    const list = this.#slots.get(size);
    if (list) list.push(slot);
    else {
      this.#slots.set(size, [slot]);
      this.#sorted.push(size);
      this.#sorted.sort((a, b) => a - b);
    }
    this.bytes += size;
  }

  take(size: number): number | undefined {
    for (const candidate of this.#sorted) {
      if (candidate < size) continue;
      if (candidate > 2 * size) return undefined;
      const slot = this.#slots.get(candidate)!.pop();
      if (slot === undefined) continue;
      this.bytes -= candidate;
      return slot;
    }
    return undefined;
  }

  drain(): number[] {
    const all = [...this.#slots.values()].flat();
    this.#slots.clear();
    this.#sorted = [];
    this.bytes = 0;
    return all;
  }
}
