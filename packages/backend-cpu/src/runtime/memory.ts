// The one shared memory of a runtime: growth, views, and writing argument blocks. Decides nothing about who owns which
// bytes: that is the allocator above.

import { kernelArguments } from '../generated/kernel-arguments.ts';
import { CpuRuntimeError } from './errors.ts';

/** Every kernel of the WebAssembly build. */
export type KernelName = keyof typeof kernelArguments;
/** The argument block of a kernel: addresses in bytes, integers and floats, all as numbers. */
export type KernelArguments<N extends KernelName> = {
  readonly [F in keyof (typeof kernelArguments)[N]]: number;
};

/** Typed arrays over the whole memory, as large as it was when they were made. */
export interface MemoryViews {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
}

const PAGE = 65536;
const MOST_PAGES = 65536; // 4 GiB, all that 32-bit addresses reach

export class SharedMemory {
  readonly memory: WebAssembly.Memory;
  readonly #mostPages: number;
  #views: MemoryViews;

  constructor() {
    [this.memory, this.#mostPages] = reserve();
    this.#views = viewsOf(this.memory);
  }

  /** Views of the present memory. Take them again after anything that may have grown it. */
  get views(): MemoryViews {
    return this.#views;
  }

  /** Makes all addresses below `bytes` usable. Old views stay valid for the bytes that they cover. */
  growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (cause) {
      const [used, most] = [this.memory.buffer.byteLength, this.#mostPages * PAGE];
      throw new CpuRuntimeError(
        'out-of-memory',
        `[growTo] ${mebibytes(bytes)} are needed, the memory has ${mebibytes(used)} and can have at most ${mebibytes(most)}; ` +
          'use a smaller model, batch or sequence length',
        { cause },
      );
    }
    this.#views = viewsOf(this.memory);
  }

  /** Writes the argument block of a kernel at `address` (a multiple of 4). Returns the address behind it. */
  writeArguments<N extends KernelName>(name: N, address: number, values: KernelArguments<N>): number {
    const { i32, f32 } = this.#views;
    let word = address >>> 2;
    for (const [field, type] of layouts[name]) {
      const value = (values as Record<string, number>)[field]!;
      if (type === 'f32') f32[word] = value;
      else i32[word] = value;
      word++;
    }
    return word * 4; // not a shift: addresses reach beyond 2 GiB
  }
}

/** Bytes of each kernel's argument block. */
export const argumentBytes: Readonly<Record<KernelName, number>> = mapValues(
  kernelArguments,
  (fields) => 4 * Object.keys(fields).length,
);

const layouts: Record<KernelName, [field: string, type: string][]> = mapValues(kernelArguments, (fields) =>
  Object.entries(fields),
);

function mapValues<K extends string, V, W>(
  object: Readonly<Record<K, V>>,
  map: (value: V) => W,
): Record<K, W> {
  return Object.fromEntries(Object.entries<V>(object).map(([key, value]) => [key, map(value)])) as Record<
    K,
    W
  >;
}

/** A shared memory with room to grow: some systems refuse to reserve 4 GiB of addresses. */
function reserve(): [WebAssembly.Memory, number] {
  let failure: unknown;
  for (let maximum = MOST_PAGES; maximum >= MOST_PAGES / 16; maximum /= 2) {
    try {
      return [new WebAssembly.Memory({ initial: 32, maximum, shared: true }), maximum];
    } catch (cause) {
      failure = cause;
    }
  }
  throw new CpuRuntimeError(
    'out-of-memory',
    '[startRuntime] cannot reserve 256 MiB of addresses for a shared WebAssembly memory; close other programs or tabs',
    { cause: failure },
  );
}

function viewsOf({ buffer }: WebAssembly.Memory): MemoryViews {
  return { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), f32: new Float32Array(buffer) };
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
