/** A fused op's kernel against the op's own composite, both on the device under test. */
import { type Device, noGrad, scope, type Tensor } from '@qsparse/core';
import { changed, place, runOp } from './check-forward.ts';
import type { AnyCase } from './op-case.ts';
import { type Accuracy, accuracyOf, loosened, requireNear } from './tolerance.ts';

/** Where the device has no kernel, the composite is what every other check runs, and there is nothing to compare. */
export function hasBoth(device: Device, { op }: AnyCase): boolean {
  return op.composite !== undefined && device.kernel(op) !== undefined;
}

/** Each may be off by the tolerance, in opposite directions. */
const BOTH = 2;

export async function checkComposite(
  device: Device,
  opCase: AnyCase,
  accuracy: Accuracy | undefined,
): Promise<void> {
  const fused = place(device, opCase, 0);
  const composed = place(device, opCase, 0);
  const outs = { ...runOp(opCase, fused.tensors), ...changed(opCase, fused.tensors) };
  const others: Record<string, Tensor> = {
    ...scope(() => noGrad(() => opCase.op.composite!(composed.tensors, opCase.attrs))),
    ...changed(opCase, composed.tensors),
  };
  for (const [name, out] of Object.entries(outs)) {
    if (opCase.notInComposite?.includes(name)) continue;
    const limit = loosened(accuracyOf(out.dtype, accuracy), BOTH);
    requireNear(`${name} of the kernel`, await out.data(), await others[name]!.data(), limit);
  }
  for (const tensor of [...Object.values(outs), ...Object.values(others)]) tensor.dispose();
  for (const guard of [...Object.values(fused.guards), ...Object.values(composed.guards)]) guard.dispose();
}
