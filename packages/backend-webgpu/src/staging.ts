/** Values between the host and buffers. WebGPU copies whole words only; what begins or ends inside one is merged. */
import { waiting } from './polling.ts';
import type { Queue } from './queue.ts';

const MAP_READ_COPY_DST = 0x01 | 0x08;
const READ = 1;
/** Readback buffers are powers of two from here on, and are kept up to this many bytes in all. */
const SMALLEST = 4096;
const KEPT = 64 * 2 ** 20;

export class Staging {
  readonly #device: GPUDevice;
  readonly #queue: Queue;
  readonly #idle = new Map<number, GPUBuffer[]>();
  readonly #all = new Set<GPUBuffer>();
  #idleBytes = 0;

  constructor(device: GPUDevice, queue: Queue) {
    this.#device = device;
    this.#queue = queue;
  }

  /** A copy of `bytes` bytes, taken after the work so far. The buffer may be destroyed meanwhile. */
  async read(from: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const first = Math.floor(offset / 4) * 4;
    const size = Math.max(4, Math.ceil((offset + bytes) / 4) * 4 - first);
    const to = this.#take(size);
    this.#queue.copy({ from, fromOffset: first, to, toOffset: 0, bytes: size });
    this.#queue.flush();
    waiting();
    await to.mapAsync(READ, 0, size);
    const copy = to.getMappedRange(0, size).slice(offset - first, offset - first + bytes);
    to.unmap();
    this.#give(to);
    return copy;
  }

  /** Writes after the work so far; `merge` is called for words that keep some of their bytes. */
  write(
    to: GPUBuffer,
    offset: number,
    bytes: Uint8Array,
    merge: (word: number, mask: number, value: number) => void,
  ): void {
    const end = offset + bytes.length;
    const [first, last] = [Math.ceil(offset / 4) * 4, Math.floor(end / 4) * 4];
    if (last > first) {
      this.#queue.flush();
      const [buffer, start] = [bytes.buffer as ArrayBuffer, bytes.byteOffset + first - offset];
      this.#device.queue.writeBuffer(to, first, buffer, start, last - first);
    }
    const edges = new Set<number>();
    if (offset < first) edges.add(first - 4);
    if (last < end) edges.add(last);
    for (const word of edges) {
      let [mask, value] = [0, 0];
      for (let i = 0; i < 4; i++) {
        const at = word + i - offset;
        if (at < 0 || at >= bytes.length) continue;
        mask |= 0xff << (8 * i);
        value |= bytes[at]! << (8 * i);
      }
      merge(word, mask >>> 0, value >>> 0);
    }
  }

  dispose(): void {
    for (const buffer of this.#all) buffer.destroy();
    this.#all.clear();
    this.#idle.clear();
  }

  #take(bytes: number): GPUBuffer {
    const rounded = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(bytes)));
    const size = rounded > this.#device.limits.maxBufferSize ? bytes : rounded;
    const idle = this.#idle.get(size)?.pop();
    if (idle) {
      this.#idleBytes -= size;
      return idle;
    }
    const buffer = this.#device.createBuffer({ label: 'readback', size, usage: MAP_READ_COPY_DST });
    this.#all.add(buffer);
    return buffer;
  }

  #give(buffer: GPUBuffer): void {
    if (this.#idleBytes + buffer.size > KEPT) {
      this.#all.delete(buffer);
      buffer.destroy();
      return;
    }
    this.#idleBytes += buffer.size;
    const list = this.#idle.get(buffer.size);
    if (list) list.push(buffer);
    else this.#idle.set(buffer.size, [buffer]);
  }
}
