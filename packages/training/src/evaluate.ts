/** The loss on held-back text: every token predicted once, without gradients. */
import { createPauses, noGrad, scope, tensor } from '@qsparse/core';
import type { Trainable, ValidationBatch } from './trainable.ts';
import { rowTensors } from './upload.ts';

/** Mean loss in nats over all predicted tokens of the batches; NaN for no batch. Throws the signal's reason. */
export async function meanLoss(
  model: Trainable,
  batches: Iterable<ValidationBatch>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const { device } = model;
  const pause = createPauses();
  let sum = 0;
  let count = 0;
  for (const { tokens, targets, shape, predicted, more } of batches) {
    signal?.throwIfAborted();
    const loss = noGrad(() =>
      scope(() =>
        model.loss(
          tensor(device, tokens, shape, 'i32'),
          tensor(device, targets, shape, 'i32'),
          rowTensors(device, more, shape[0]),
        ),
      ),
    );
    const value = loss.item();
    loss.dispose(); // its read is queued already
    sum += predicted * (await value);
    count += predicted;
    await pause();
  }
  return sum / count;
}
