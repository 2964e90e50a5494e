/** One request of the engine: its text, and its steps on their way to whoever iterates over them. */
import { noProbabilities } from './draw-tokens.ts';
import { asError, type SlotRow } from './engine-slots.ts';
import type { GenerateSettings } from './generate-options.ts';
import type { GeneratedToken } from './logprobs.ts';
import type { EndReason, TextStep, TextWriter } from './text-writer.ts';

export interface EngineRow extends SlotRow {
  /** Log probabilities of the prompt as far as it was read; undefined where they are not wanted, or were handed out. */
  echo: GeneratedToken[] | undefined;
  /** Whether all numbers in its place are known to be finite. */
  isVerified: boolean;
  /** Set once; no step comes after. */
  readonly isEnded: boolean;
  /** Whether somebody wants it to end. Heard by the engine. */
  isAborted: boolean;
  /** In milliseconds of performance.now(): when it got its place, and when it left it. */
  startedAt: number;
  leftAt: number | undefined;
  /** Hands out the log probabilities of the prompt. */
  handOutEcho(): void;
  /** Takes the next token, which may end the text. */
  add(token: GeneratedToken): void;
  end(reason: EndReason): void;
  fail(error: unknown): void;
  /** The steps, once. Whoever leaves the loop early aborts the request. */
  readonly steps: AsyncIterable<TextStep>;
}

export interface EngineRowOptions {
  readonly ids: ArrayLike<number>;
  readonly settings: GenerateSettings;
  readonly writer: TextWriter;
  readonly echo: boolean;
  /** Called when `isAborted` becomes true. */
  readonly onAbort: () => void;
}

export function createEngineRow({ ids, settings, writer, echo, onAbort }: EngineRowOptions): EngineRow {
  const { seed, signal, stopTokens, maxTokens } = settings;
  const waiting: TextStep[] = [];
  let ended: { readonly error?: Error } | undefined;
  let wake = (): void => {};
  const push = (step: TextStep): void => {
    waiting.push(step);
    wake();
  };
  const abort = (): void => {
    if (ended || row.isAborted) return;
    row.isAborted = true;
    onAbort();
  };
  const finish = (how: { readonly error?: Error }): void => {
    if (ended) return;
    ended = how;
    signal?.removeEventListener('abort', abort);
    wake();
  };
  async function* steps(): AsyncGenerator<TextStep, void, void> {
    try {
      for (;;) {
        const step = waiting.shift();
        if (step) yield step;
        else if (ended?.error) throw ended.error;
        else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      abort();
    }
  }
  const row: EngineRow = {
    ...{ settings, seed, text: Array.from(ids), drawn: 0, read: 0 },
    ...{ echo: echo ? [] : undefined, isVerified: true },
    ...{ isAborted: false, startedAt: 0, leftAt: undefined, steps: steps() },
    get isEnded() {
      return ended !== undefined;
    },
    handOutEcho() {
      if (!row.echo) return;
      push({ text: '', prompt: row.echo });
      row.echo = undefined;
    },
    add(token) {
      row.drawn++;
      row.isVerified = token.token >= 0;
      if (token.token < 0) return row.fail(noProbabilities(row.drawn));
      if (stopTokens.includes(token.token)) return row.end('stop');
      row.text.push(token.token);
      try {
        push(writer.add(token));
      } catch (error) {
        return row.fail(error);
      }
      if (writer.isStopped) row.end('stop');
      else if (row.drawn === maxTokens) row.end('length');
    },
    end(reason) {
      if (ended) return;
      try {
        push(writer.end(reason));
        finish({});
      } catch (error) {
        row.fail(error);
      }
    },
    fail: (error) => finish({ error: asError(error) }),
  };
  signal?.addEventListener('abort', abort);
  return row;
}
