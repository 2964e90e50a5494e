/**
 * Activation checkpointing (Chen et al., "Training deep nets with sublinear memory cost", arXiv 1604.06174): of a part of the
 * forward pass the tape keeps the input alone; the reverse sweep runs the part again and goes on through that tape. The work is
 * the same ops on the same numbers in the same order, so the gradients are the same bits.
 */
import { ambient, noGrad, own, withTape } from './ambient.ts';
import { backwardThrough } from './backward.ts';
import type { AnyOp, Pull } from './op.ts';
import type { Param } from './param.ts';
import { remember } from './run.ts';
import { scope } from './scope.ts';
import { alias, type Tensor } from './tensor.ts';

/**
 * body(x), one tensor from one. `body` must do the same work when it is called again: no state, no reads, no writes.
 * @param params all parameters that `body` uses; those of a joined view by themselves
 */
export function recompute(body: (x: Tensor) => Tensor, x: Tensor, params: readonly Param[]): Tensor {
  if (!ambient.tape) return scope(() => body(x));
  const made = noGrad(() => scope(() => body(x)));
  const y = made === x ? own(alias(x)) : made;
  const given: Record<string, Tensor> = { x };
  for (const [i, param] of params.entries()) given[`p${i}`] = param;
  remember(opOf(body, params), null, given, { y });
  return y;
}

/** Never run on a device: what stands on the tape in place of the ops of `body`. */
function opOf(body: (x: Tensor) => Tensor, params: readonly Param[]): AnyOp {
  return {
    name: 'recompute',
    infer: ({ x }) => ({ y: x! }),
    reference: () => {},
    vjp: {
      save: ['x'],
      pull({ d, saved, needs }: Pull<string, string, null, string>) {
        const leaf = own(alias(saved.x!));
        leaf.value = needs('x') ? { dtype: leaf.dtype } : undefined;
        const y = withTape(true, () => scope(() => body(leaf)));
        const wanted = params.filter((_, i) => needs(`p${i}`));
        const dx = backwardThrough(y, d.y!, wanted, leaf);
        return dx ? { x: dx } : {};
      },
    },
  };
}
