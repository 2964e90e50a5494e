/**
 * What training needs to know of a model and its data: structure, not classes. Anything with an arena and a loss trains.
 */
import type { Device, ParamArena, Tensor } from '@qsparse/core';
import type { EvaluationBatch } from '@qsparse/data';

export interface Trainable {
  readonly device: Device;
  readonly arena: ParamArena;
  /**
   * Mean loss in nats of i32 targets [B, T] (negative: ignored) given i32 tokens [B, T]; shape []. `more`: what else the
   * batches hold, by name, [B, …].
   */
  loss(tokens: Tensor, targets: Tensor, more?: Readonly<Record<string, Tensor>>): Tensor;
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
  /** What else belongs to the rows, by name: as many numbers for each row. Integers become i32, floats f32, [B, …]. */
  readonly more?: Readonly<Record<string, Int32Array | Float32Array>> | undefined;
}

/** A batch of a validation, with what else belongs to its rows. */
export type ValidationBatch = EvaluationBatch & Pick<Batch, 'more'>;

/** Endless batches with an exact position: after `seek(position)` the same batches follow. */
export interface BatchSource {
  next(): Batch;
  /** Plain JSON: what must be stored to go on from here. */
  position(): unknown;
  /** Throws for what is not a position of this data. */
  seek(position: unknown): void;
  /** Identity of the data and its order, so that a resume can refuse others. */
  readonly fingerprint: string;
  /**
   * Whether targets may be negative, so that rows have different numbers of them: then each micro-batch counts by how many it
   * has, and the loss of an update is the mean over all of its targets. Default false.
   */
  readonly ignoresTargets?: boolean | undefined;
}
