/**
 * Where a run tells what it does: every update, and now and then a text or a distribution. The loop itself reports nothing; its
 * caller gives each step to a reporter.
 */
import type { TrainStep } from './train.ts';

/** An update, and what the caller of the loop knows beside it. */
export interface StepEntry extends TrainStep {
  /** The validation loss in bits a byte of text, where its length in bytes is known. */
  readonly bitsPerByte?: number;
  /** Floating-point operations that the model needs, as a share of the device's peak (model FLOPs utilisation). */
  readonly mfu?: number;
  /** L2 norms of gradients before clipping, by part of the model in its order. */
  readonly gradientNorms?: Readonly<Record<string, number>>;
  /** Share of zeros in the inputs of linear layers, by site in the order of the model. */
  readonly siteSparsity?: Readonly<Record<string, number>>;
}

export interface Reporter {
  step(entry: StepEntry): Promise<void>;
  /** A text for people, such as a sample. Absent: nobody sees it. */
  text?(tag: string, text: string, step: number): Promise<void>;
  /** How numbers such as weights are distributed. Absent: nobody sees it, so nobody has to read them. */
  histogram?(tag: string, values: ArrayLike<number>, step: number): Promise<void>;
  /** Everything is written, and nothing more comes. */
  close(): Promise<void>;
}

/** One that tells all of them, in their order. */
export function combinedReporter(reporters: readonly Reporter[]): Reporter {
  const each = async (tell: (reporter: Reporter) => Promise<void> | undefined): Promise<void> => {
    for (const reporter of reporters) await tell(reporter);
  };
  const someone = (method: 'text' | 'histogram') => reporters.some((reporter) => reporter[method]);
  return {
    step: (entry) => each((reporter) => reporter.step(entry)),
    ...(someone('text') && {
      text: (tag: string, text: string, step: number) => each((reporter) => reporter.text?.(tag, text, step)),
    }),
    ...(someone('histogram') && {
      histogram: (tag: string, values: ArrayLike<number>, step: number) =>
        each((reporter) => reporter.histogram?.(tag, values, step)),
    }),
    async close() {
      const ended = await Promise.allSettled(reporters.map((reporter) => reporter.close()));
      for (const end of ended) if (end.status === 'rejected') throw end.reason;
    },
  };
}
