/**
 * Continuous batching: many requests share one captured step of the model. A request takes a free place at any step and
 * leaves it when its text ends; long prompts are read a chunk at a time between the steps of the others, and only from
 * where they differ from what a place remembers. Each text is what it is alone with the same seed, to the rounding of
 * products of several rows.
 */
import { createPauses, DisposedError, ValueError } from '@qsparse/core';
import type { Decoder } from '@qsparse/layers';
import { createPlaces } from './engine-places.ts';
import { createEngineRow, type EngineRow } from './engine-row.ts';
import { createSlots } from './engine-slots.ts';
import { checkOptions, checkPrompt, type GenerateOptions, requireWhole } from './generate-options.ts';
import { createTextWriter, idsOf, type Prompt, type TextCodec, type TextStep } from './text-writer.ts';

export interface EngineOptions {
  /** Texts that are written at once; each has memory for `contextLength` tokens. Default 8. */
  readonly slots?: number | undefined;
  /** Requests that may wait for a place. Default four times `slots`. */
  readonly queueLength?: number | undefined;
  /** Tokens of a text, prompt and answer; a longer text goes on from its newest half. Default: the model's. */
  readonly contextLength?: number | undefined;
  /** Tokens of a prompt that are computed at once: other texts wait for so many at most. Default 128. */
  readonly chunkLength?: number | undefined;
}

export interface EngineRequest extends GenerateOptions {
  /**
   * The first step has the log probabilities of the prompt's tokens, with the likeliest ones that `logprobs` asks for;
   * `maxTokens` may be 0 then.
   */
  readonly echoLogprobs?: boolean | undefined;
}

export interface EngineStats {
  readonly slots: number;
  /** Requests that have a place, and that wait for one. */
  readonly active: number;
  readonly queued: number;
  /** Tokens that were made, and tokens of prompts that were read, since the engine is there. */
  readonly generatedTokens: number;
  readonly promptTokens: number;
  /** Tokens of prompts that were still there from an earlier text that begins alike. */
  readonly reusedTokens: number;
  /** In which there was something to do. */
  readonly seconds: number;
}

export interface Engine {
  /**
   * Starts as soon as a place is free, whether or not somebody iterates; the steps can be iterated over once, and leaving
   * the loop ends the request. Throws QueueFullError where too many wait, ValueError for an option or a prompt that does
   * not fit, DisposedError once closed. Iterating throws what went wrong with this request, such as NonFiniteError.
   */
  submit(prompt: Prompt, options?: EngineRequest): AsyncIterable<TextStep>;
  readonly slots: number;
  stats(): EngineStats;
  /**
   * Takes no more requests, lets those that it has taken end (or ends them, with `abort`), and gives all memory back. May
   * be called again, to abort after all.
   */
  close(how?: { readonly abort?: boolean }): Promise<void>;
}

/** Too many requests wait. */
export class QueueFullError extends Error {
  readonly code = 'queue-full';
  /** When a place in the queue may be free: an estimate from how long requests took. */
  readonly retryAfterSeconds: number;

  constructor(waiting: number, retryAfterSeconds: number) {
    super(
      `[engine] at most ${waiting} requests wait for their turn, all of these are there; try again in ${Math.ceil(retryAfterSeconds)} s`,
    );
    this.name = 'QueueFullError';
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Of the newest request in the running mean of how long they take. */
const NEWEST_SHARE = 0.2;

/**
 * An engine with memory for all of its places from now on. `model` must stay as it is until `close` is done; other work on
 * its device may go on between two steps. Throws ValueError.
 */
export function createEngine(model: Decoder, codec: TextCodec, options: EngineOptions = {}): Engine {
  const { slots, queueLength, contextLength, chunkLength } = checkEngineOptions(options, model);
  const pause = createPauses();
  const device = createSlots(model, { slots, capacity: contextLength, chunkLength, pause });
  const waiting: EngineRow[] = [];
  const places = createPlaces(device, slots, contextLength);
  let generatedTokens = 0;
  let promptTokens = 0;
  let reusedTokens = 0;
  let milliseconds = 0;
  let workingSince: number | undefined;
  let meanMilliseconds: number | undefined;
  let working: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  /** What is to be done, until nothing is. Ends of requests are the only results; it does not throw. */
  const work = async (): Promise<void> => {
    workingSince = performance.now();
    // Requests that come in one go begin together.
    await Promise.resolve();
    for (;;) {
      admit();
      if (places.active().length === 0) break;
      try {
        await readOn();
        await writeOn();
      } catch (error) {
        for (const row of places.active()) row.fail(error);
      }
      leave();
      await pause();
    }
    milliseconds += performance.now() - workingSince;
    workingSince = undefined;
    working = undefined;
  };
  const start = (): void => {
    working ??= work();
  };

  const admit = (): void => {
    for (const row of [...waiting, ...places.active()]) if (row.isAborted) row.end('aborted');
    leave();
    while (waiting.length > 0 && places.take(waiting[0]!)) reusedTokens += waiting.shift()!.read;
  };

  /** Frees the places of what has ended. */
  const leave = (): void => {
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i]!.isEnded) waiting.splice(i, 1);
    for (const { startedAt, leftAt } of places.leave()) {
      const took = leftAt! - startedAt;
      meanMilliseconds = took * NEWEST_SHARE + (meanMilliseconds ?? took) * (1 - NEWEST_SHARE);
    }
  };

  /** A chunk of the text that has waited longest, of those with more than one token to read. */
  const readOn = async (): Promise<void> => {
    for (const row of places.active()) startAgain(row);
    const row = places
      .active()
      .filter((one) => one.text.length - one.read > 1)
      .sort((a, b) => a.startedAt - b.startedAt)[0];
    if (!row) return;
    const slot = places.rows.indexOf(row);
    const unread = row.text.length - 1 - row.read;
    const length = Math.min(unread, chunkLength, row.settings.chunkLength);
    const scores = row.echo !== undefined;
    row.isVerified = false;
    try {
      const scored = await device.read({ slot, row, length, scores, isStopped: () => row.isAborted });
      if (!scored) return;
      row.echo?.push(...scored);
      promptTokens += row.drawn === 0 ? length : 0;
    } catch (error) {
      row.fail(error);
    }
  };

  /** The next token of all texts that have one to compute. */
  const writeOn = async (): Promise<void> => {
    const ready = places
      .active()
      .filter((row) => !row.isEnded && !row.isAborted && row.text.length - row.read === 1);
    for (const row of ready) {
      row.handOutEcho();
      if (row.settings.maxTokens === 0) row.end('length');
    }
    const writing = new Set(ready.filter((row) => !row.isEnded));
    if (writing.size === 0) return;
    for (const row of writing) row.isVerified = false;
    for (const [row, token] of await device.next(places.rows, writing)) {
      if (row.drawn === 0) promptTokens++;
      if (token instanceof Error) (row as EngineRow).fail(token);
      else {
        generatedTokens += token.token < 0 ? 0 : 1;
        (row as EngineRow).add(token);
      }
    }
  };

  /** Positions end with the context: what goes on is read again from its newest half. */
  const startAgain = (row: EngineRow): void => {
    if (row.text.length <= contextLength) return;
    row.text = row.text.slice(-Math.max(1, contextLength >> 1));
    row.read = 0;
  };

  return {
    slots,
    submit(prompt, { echoLogprobs = false, ...rest } = {}) {
      if (closing) throw new DisposedError('engine', 'takes no request, it was closed');
      const settings = checkOptions(rest, model, echoLogprobs ? 0 : 1);
      const ids = idsOf(codec, prompt);
      checkPrompt(ids, model, contextLength);
      const isAborted = settings.signal?.aborted ?? false;
      if (!isAborted && waiting.length + places.active().length >= slots + queueLength)
        throw new QueueFullError(queueLength, (meanMilliseconds ?? 1000) / 1000 / slots);
      const writer = createTextWriter(codec, ids, settings.stopText);
      const row = createEngineRow({ ids, settings, writer, echo: echoLogprobs, onAbort: start });
      if (isAborted) row.end('aborted');
      else {
        waiting.push(row);
        start();
      }
      return row.steps;
    },
    stats: () => ({
      ...{ slots, active: places.active().length, queued: waiting.length },
      ...{ generatedTokens, promptTokens, reusedTokens },
      seconds: (milliseconds + (workingSince === undefined ? 0 : performance.now() - workingSince)) / 1000,
    }),
    close({ abort = false } = {}) {
      if (abort) for (const row of [...waiting, ...places.active()]) row.isAborted = true;
      closing ??= (working ?? Promise.resolve()).then(() => device.dispose());
      return closing;
    },
  };
}

function checkEngineOptions(
  { slots = 8, queueLength, contextLength, chunkLength = 128 }: EngineOptions,
  { config }: Decoder,
): Required<{ [K in keyof EngineOptions]: number }> {
  requireWhole('slots', slots, 1);
  requireWhole('queueLength', queueLength ?? 0, 0);
  requireWhole('chunkLength', chunkLength, 1);
  const length = contextLength ?? config.contextLength;
  requireWhole('contextLength', length, 1, config.contextLength);
  if (slots > MOST_SLOTS)
    throw new ValueError('engine', `slots must be at most ${MOST_SLOTS}, got ${slots}`, 'use fewer');
  return { slots, queueLength: queueLength ?? 4 * slots, contextLength: length, chunkLength };
}

/** Far beyond what pays: a step costs the more the more there are. */
const MOST_SLOTS = 4096;
