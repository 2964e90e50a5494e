/**
 * The argument block of a launch: one struct in native memory that the driver copies at the call. One block serves all
 * launches of a device.
 */
import koffi from 'koffi';
import { type KernelArguments, type KernelName, kernelLayouts } from './generated/kernel-arguments.ts';

export interface ArgumentBlock {
  /** Writes a kernel's arguments; returns what cuLaunchKernel takes as `kernelParams`. */
  write<K extends KernelName>(kernel: K, values: KernelArguments<K>): number;
  dispose(): void;
}

type Field = readonly [type: 'pointer' | 'i32' | 'u32' | 'f32' | 'i64', offset: number];

/** Layouts by kernel name. */
export type ArgumentLayouts = Readonly<Record<string, { readonly fields: Readonly<Record<string, Field>> }>>;

/** Room for the largest struct; the pointer to it lies in front. */
const BYTES = 4096;
const FRONT = 64;

export function createArgumentBlock(kernels: ArgumentLayouts = kernelLayouts): ArgumentBlock {
  const memory: unknown = koffi.alloc('char', BYTES);
  const address = koffi.address(memory);
  const view = new DataView(koffi.view(memory, BYTES));
  view.setBigUint64(0, address + BigInt(FRONT), true);
  const layouts = new Map<KernelName, readonly (readonly [name: string, field: Field])[]>();
  const layoutOf = (kernel: KernelName): readonly (readonly [name: string, field: Field])[] => {
    let layout = layouts.get(kernel);
    if (!layout) {
      layout = Object.entries(kernels[kernel]!.fields);
      layouts.set(kernel, layout);
    }
    return layout;
  };
  return {
    write(kernel, values) {
      const numbers = values as Readonly<Record<string, number>>;
      for (const [name, [type, offset]] of layoutOf(kernel)) {
        const at = FRONT + offset;
        const value = numbers[name]!;
        if (type === 'f32') view.setFloat32(at, value, true);
        else if (type === 'i32') view.setInt32(at, value, true);
        else if (type === 'u32') view.setUint32(at, value, true);
        else {
          // Addresses and counts are below 2^53.
          view.setUint32(at, value >>> 0, true);
          view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
        }
      }
      return Number(address);
    },
    dispose: () => koffi.free(memory),
  };
}
