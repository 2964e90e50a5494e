/**
 * The reference device: every op in plain float64 loops, straight from its spec. It is the meaning of the
 * library, not a fast device. Tensors hold float64 elements whatever their dtype; f32 ones go in and out unrounded,
 * bf16 ones hold what bf16 can, so that ops one by one give what an op that fuses them must give.
 */
import type { Device, Kernel, Type, View, Views } from '../device.ts';
import { byteLength, DTYPES, fromBf16Bits, type HostArray, roundTo, toBf16Bits } from '../dtype.ts';
import { DisposedError, ShapeError } from '../errors.ts';
import type { AnyOp } from '../op.ts';
import { Pool } from '../pool.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export interface ReferenceDevice extends Device {
  /** The float64 elements of a tensor, unrounded. */
  values(tensor: Tensor): Float64Array;
}

/** Makes a reference device. It computes at once and needs no waiting. */
export function referenceDevice(): ReferenceDevice {
  /** Elements of a slot; their number is fixed by the first dtype that is used in it. */
  const slots = new Map<number, { bytes: number; elements?: Float64Array; bits: number }>();
  let nextSlot = 1;
  let recorded: (() => void)[] | undefined;
  const pool = new Pool('reference', {
    reserve(bytes) {
      slots.set(nextSlot, { bytes, bits: 0 });
      return nextSlot++;
    },
    release: (slot) => void slots.delete(slot),
  });

  const elementsOf = (view: View): Float64Array => {
    const slot = slots.get(view.slot);
    if (!slot) throw disposed();
    const { bits } = DTYPES[view.dtype];
    if (slot.bits !== bits) {
      slot.bits = bits;
      // New memory is undefined: NaN shows when an op reads what nobody wrote.
      slot.elements = new Float64Array((slot.bytes * 8) / bits).fill(Number.NaN);
    }
    const first = (view.offset * 8) / bits;
    if (first + sizeOf(view.shape) > slot.elements!.length)
      throw new ShapeError('reference', 'view outside of its slot');
    return slot.elements!.subarray(first, first + sizeOf(view.shape));
  };
  const elements = (views: Views): Record<string, Float64Array> =>
    Object.fromEntries(Object.entries(views).map(([name, view]) => [name, elementsOf(view)]));

  const kernel = (op: AnyOp): Kernel => {
    return (ins, outs, attrs) => {
      const types: Record<string, Type> = { ...ins, ...outs };
      const changed = (op.mutates ?? []) as readonly string[];
      const written = [...Object.values(outs), ...changed.flatMap((name) => ins[name] ?? [])];
      const launch = () => {
        op.reference(elements(ins), elements(outs), attrs, types);
        for (const view of written) roundTo(view.dtype, elementsOf(view));
      };
      launch();
      recorded?.push(launch);
    };
  };

  return {
    name: 'reference',
    description: 'float64 loops in JavaScript',
    caps: { compute: ['f32', 'bf16'], float64: true, threads: 1 },
    alloc(bytes) {
      const slot = pool.alloc(bytes);
      const memory = slots.get(slot);
      if (!memory) throw disposed();
      memory.bits = 0;
      return slot;
    },
    free: (slot) => pool.free(slot),
    write(to, from) {
      const target = elementsOf(to);
      if (to.dtype === 'bf16') for (let i = 0; i < target.length; i++) target[i] = fromBf16Bits(from[i]!);
      else if (to.dtype === 'ternary') {
        for (let i = 0; i < target.length; i++) target[i] = ((from[i >> 2]! >> (2 * (i & 3))) & 3) - 1;
      } else target.set(from);
    },
    async read(from) {
      return toHost(elementsOf(from), from);
    },
    kernel,
    record() {
      const memory = pool.record();
      const launches: (() => void)[] = [];
      recorded = launches;
      return {
        end() {
          recorded = undefined;
          memory.end();
          return {
            replay: () => {
              for (const launch of launches) launch();
            },
            launches: launches.length,
            bytes: memory.bytes,
            dispose: () => memory.dispose(),
          };
        },
        abort() {
          recorded = undefined;
          memory.dispose();
        },
      };
    },
    memory: () => pool.report(),
    dispose: () => slots.clear(),
    values: (tensor) =>
      elementsOf({
        ...tensor,
        slot: tensor.slot,
        dtype: tensor.dtype,
        shape: tensor.shape,
        offset: tensor.offset,
      }).slice(),
  };
}

const disposed = () => new DisposedError('reference', 'this device was disposed', 'make another one');

function toHost(elements: Float64Array, type: Type): HostArray {
  if (type.dtype === 'f32') return elements.slice();
  if (type.dtype === 'bf16') return Uint16Array.from(elements, toBf16Bits);
  if (type.dtype !== 'ternary') return new (DTYPES[type.dtype].host as Int32ArrayConstructor)(elements);
  const packed = new Uint8Array(byteLength('ternary', elements.length));
  for (let i = 0; i < elements.length; i++) packed[i >> 2]! |= (elements[i]! + 1) << (2 * (i & 3));
  return packed;
}
