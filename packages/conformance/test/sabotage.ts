/** Devices and cases that are wrong in one known way, to see that checks notice. */
import type { AnyOp, Device, Kernel, View } from '@qsparse/core';
import { fillOp, sizeOf } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import type { AnyCase } from '../src/op-case.ts';
import { opCases } from '../src/op-table.ts';

/** The reference device with one kernel replaced; undefined takes the kernel away. */
export function sabotaged(op: AnyOp, spoil: (honest: Kernel, device: Device) => Kernel | undefined): Device {
  const device = referenceDevice();
  return {
    ...device,
    kernel: (asked) => (asked === op ? spoil(device.kernel(op)!, device) : device.kernel(asked)),
  };
}

/** A case by the exported name of its op and its own name. */
export function caseOf(key: string, name: string): AnyCase {
  const found = opCases()
    .find((row) => row.key === key)
    ?.cases.find((one) => one.name === name);
  if (!found) throw new Error(`there is no case ${key}: ${name}`);
  return found;
}

/** Writes `value` to `count` elements of a view from element `first`, which may lie outside of it. */
export function scribble(device: Device, view: View, first: number, count: number, value: number): void {
  const offset = view.offset + 4 * first;
  device.kernel(fillOp)!({ into: { ...view, offset, shape: [count] } }, {}, { value } as never);
}

export const sizeOfView = (view: View | undefined): number => sizeOf(view!.shape);
