/**
 * What training needs to know of a model and its data: structure, not classes. Anything with an arena and a loss trains.
 */
import type { Device, ParamArena, Tensor } from '@qsparse/core';

export interface Trainable {
  readonly device: Device;
  readonly arena: ParamArena;
  /** Mean loss in nats of i32 targets [B, T] (negative: ignored) given i32 tokens [B, T]; shape []. */
  loss(tokens: Tensor, targets: Tensor): Tensor;
  /** Share of inputs that the linear layers leave out; a step is captured anew after a change. */
  setSparsity?(sparsity: number): void;
  /** Where in the model the first NaN or infinity appears on these tokens: layer and site, for the error message. */
  firstNonFinite?(tokens: Tensor): Promise<string | undefined>;
}

/** Rows of tokens and of the tokens that follow them, both i32 [B, T] row-major. */
export interface Batch {
  readonly tokens: Int32Array;
  readonly targets: Int32Array;
  readonly shape: readonly [batchSize: number, rowLength: number];
}

/** Endless batches with an exact position: after `seek(position)` the same batches follow. */
export interface BatchSource {
  next(): Batch;
  /** Plain JSON: what must be stored to go on from here. */
  position(): unknown;
  /** Throws for what is not a position of this data. */
  seek(position: unknown): void;
  /** Identity of the data and its order, so that a resume can refuse others. */
  readonly fingerprint: string;
}
