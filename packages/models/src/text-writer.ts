/** From tokens to the steps of a text: what is sure by now, and how it ends. */
import type { GeneratedToken } from './logprobs.ts';
import { createStopText } from './stop-text.ts';

/** What generation needs of a tokenizer. */
export interface TextCodec {
  encode(text: string): ArrayLike<number>;
  /** @param options `after`: the ids that come before, which decide whether the first one begins with a space */
  decoder(options?: { readonly after?: ArrayLike<number> }): { push(id: number): string; flush(): string };
}

/** A text, or tokens: of a chat template, say. */
export type Prompt = string | ArrayLike<number>;

/** A stop token or text came, `maxTokens` were made, the signal was aborted. */
export type EndReason = 'stop' | 'length' | 'aborted';

/** What one token adds; the last step of a text has no token and says why the text ends. */
export interface TextStep {
  /** What is sure by now: no half code point, nothing that a stop string may begin with. May be empty. */
  readonly text: string;
  readonly token?: GeneratedToken;
  readonly end?: EndReason;
  /**
   * In the first step alone, where an engine was asked for `echoLogprobs`: the prompt's tokens but the first, each with
   * its log probability after those before it.
   */
  readonly prompt?: readonly GeneratedToken[];
}

export interface TextWriter {
  add(token: GeneratedToken): TextStep;
  /** The last step. A stop text that only shows here makes it `stop`. */
  end(reason: EndReason): TextStep;
  /** Whether a stop text came. */
  readonly isStopped: boolean;
}

/** @param stops texts that end it, none of them empty */
export function createTextWriter(
  codec: TextCodec,
  prompt: ArrayLike<number>,
  stops: readonly string[],
): TextWriter {
  const decoder = codec.decoder({ after: prompt });
  const stopText = createStopText(stops);
  return {
    add: (token) => ({ text: stopText.push(decoder.push(token.token)), token }),
    end(reason) {
      const rest = stopText.push(decoder.flush());
      return { text: rest + stopText.flush(), end: stopText.found ? 'stop' : reason };
    },
    get isStopped() {
      return stopText.found;
    },
  };
}

export const idsOf = (codec: TextCodec, prompt: Prompt): ArrayLike<number> =>
  typeof prompt === 'string' ? codec.encode(prompt) : prompt;
