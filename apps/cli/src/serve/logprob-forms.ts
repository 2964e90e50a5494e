/** Log probabilities as OpenAI's two APIs have them: parallel arrays in completions, objects in chats. */
import type { GeneratedToken } from '@qsparse/models';
import { REPLACEMENT, type TokenTexts } from './token-texts.ts';

export interface CompletionLogprobs {
  readonly tokens: string[];
  /** null for the first token of a prompt, which follows nothing. */
  readonly token_logprobs: (number | null)[];
  /** The likeliest tokens, and the one that stands there; of two with one text the likelier. */
  readonly top_logprobs: (Readonly<Record<string, number>> | null)[];
  /** Where each token begins in the text of the choice, in code points. */
  readonly text_offset: number[];
}

export interface ChatLogprob {
  readonly token: string;
  readonly logprob: number;
  /** null where the token is a part of a character. */
  readonly bytes: readonly number[] | null;
}

export interface ChatTokenLogprob extends ChatLogprob {
  readonly top_logprobs: readonly ChatLogprob[];
}

/** JSON has no infinity; this is what OpenAI gives for a token that cannot come. */
const IMPOSSIBLE = -9999;
const utf8 = new TextEncoder();

export const emptyLogprobs = (): CompletionLogprobs => ({
  tokens: [],
  token_logprobs: [],
  top_logprobs: [],
  text_offset: [],
});

export function completionLogprobs(
  tokens: readonly { readonly token: GeneratedToken; readonly offset: number }[],
  texts: TokenTexts,
): CompletionLogprobs {
  const all = emptyLogprobs();
  for (const { token, offset } of tokens) {
    all.tokens.push(texts.textOf(token.token));
    all.text_offset.push(offset);
    all.token_logprobs.push(token.logprob === undefined ? null : finite(token.logprob));
    all.top_logprobs.push(token.logprob === undefined ? null : likeliest(token, texts));
  }
  return all;
}

/** One by one: a long prompt has more tokens than a call may have arguments. */
export function appendLogprobs(to: CompletionLogprobs, more: CompletionLogprobs): void {
  for (const token of more.tokens) to.tokens.push(token);
  for (const logprob of more.token_logprobs) to.token_logprobs.push(logprob);
  for (const top of more.top_logprobs) to.top_logprobs.push(top);
  for (const offset of more.text_offset) to.text_offset.push(offset);
}

export function chatLogprob(
  { token, logprob, alternatives }: GeneratedToken,
  texts: TokenTexts,
): ChatTokenLogprob {
  const entry = (id: number, value: number): ChatLogprob => {
    const text = texts.textOf(id);
    const bytes = text.includes(REPLACEMENT) ? null : Array.from(utf8.encode(text));
    return { token: text, logprob: finite(value), bytes };
  };
  return {
    ...entry(token, logprob ?? IMPOSSIBLE),
    top_logprobs: (alternatives ?? []).map((one) => entry(one.token, one.logprob)),
  };
}

function likeliest(
  { token, logprob, alternatives = [] }: GeneratedToken,
  texts: TokenTexts,
): Record<string, number> {
  const found = new Map<string, number>();
  for (const one of [...alternatives, { token, logprob: logprob! }]) {
    const text = texts.textOf(one.token);
    found.set(text, Math.max(finite(one.logprob), found.get(text) ?? -Infinity));
  }
  return Object.fromEntries(found);
}

const finite = (logprob: number): number => Math.max(logprob, IMPOSSIBLE);
