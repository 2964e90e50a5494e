/**
 * What the other ways to select cost: the loss of the model with a threshold in place of exact top-K, at one site or at
 * the four of a layer. Thresholds compare magnitudes as the site lets them through: behind the norm, and where the model
 * rounds its inputs to int8, behind the rounding.
 */
import {
  absolute,
  add,
  broadcast,
  divide,
  full,
  mean,
  multiply,
  relu,
  scale,
  subtract,
  type Tensor,
} from '@qsparse/core';
import { lossOf, type Sparsity, shareLeftOut } from '@qsparse/layers';
import { statisticalFactor } from '@qsparse/quantizers';
import { meanLoss } from '@qsparse/training';
import { trainableDecoder } from 'qsparse';
import { type Calibration, sparseAt } from './calibration.ts';

/** Inputs [..., n] of a site to those that it lets through. */
export type Selector = (x: Tensor) => Tensor;

/** What stays above a threshold of each token's own: its mean magnitude times a factor of the share. */
export function statisticalSelector(sparsity: Sparsity): Selector {
  const factor = statisticalFactor(shareLeftOut(sparsity));
  return (x) => {
    const magnitude = absolute(x);
    return above(x, magnitude, broadcast(scale(mean(magnitude, 'last'), factor), x.shape, 'last'));
  };
}

/** What stays above one threshold for all tokens. */
export function thresholdSelector(threshold: number): Selector {
  return (x) => above(x, absolute(x), full(x.device, [], threshold, x.dtype));
}

/** Far below every magnitude that matters, so that the quotient is 0 or 1. */
const TINY = 1e-30;

function above(x: Tensor, magnitude: Tensor, threshold: Tensor): Tensor {
  const rest = relu(subtract(magnitude, threshold));
  return multiply(x, divide(rest, add(rest, full(x.device, [], TINY, x.dtype))));
}

/** Mean loss in nats a token with these selectors at their sites and no selection elsewhere. Throws the signal's reason. */
export async function lossSelecting(
  calibration: Calibration,
  selectors: ReadonlyMap<string, Selector>,
): Promise<number> {
  const { model, batches, signal } = calibration;
  const observe = (site: string, x: Tensor): Tensor | undefined => selectors.get(site)?.(x);
  model.config = sparseAt(calibration, {});
  try {
    const selecting = {
      ...trainableDecoder(model),
      loss: (tokens: Tensor, targets: Tensor) => lossOf(model, tokens, targets, { observe }),
    };
    return await meanLoss(selecting, batches, { signal });
  } finally {
    model.config = calibration.config;
  }
}
