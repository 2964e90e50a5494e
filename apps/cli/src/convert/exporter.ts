/** A way to write a model for another program, decided before the first byte. */
export interface Exporter {
  /** For people: the class or architecture, and its weights. */
  readonly what: string;
  /** What the other program computes in another way than the model; empty where both are the same. */
  readonly differences: readonly string[];
  /** What else there is to know. */
  readonly notes: readonly string[];
  /** Writes all of it or, where it fails, nothing. */
  write(path: string, signal: AbortSignal): Promise<void>;
}
