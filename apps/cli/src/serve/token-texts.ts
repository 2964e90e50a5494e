/** A token as answers show it: its text on its own. Answers hold ids nowhere. */
import { type Tokenizer, TokenizerError } from '@qsparse/data';

export interface TokenTexts {
  /** Whether the id stands for something. */
  has(id: number): boolean;
  /** U+FFFD where it is a part of a character; `token_id:N` where the model has an id that stands for nothing. */
  textOf(id: number): string;
}

/** A part of a character, or bytes that are none. */
export const REPLACEMENT = '\uFFFD';

export function createTokenTexts(tokenizer: Tokenizer): TokenTexts {
  const texts = new Map<number, string | undefined>();
  const find = (id: number): string | undefined => {
    if (texts.has(id)) return texts.get(id);
    // In the middle of a text: at its beginning some tokenizers take the space off a token.
    const decoder = tokenizer.decoder({ after: [tokenizer.endOfText] });
    let text: string | undefined;
    try {
      text = decoder.push(id) + decoder.flush();
    } catch (error) {
      if (!(error instanceof TokenizerError)) throw error;
    }
    if (Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize) texts.set(id, text);
    return text;
  };
  return {
    has: (id) => find(id) !== undefined,
    textOf: (id) => find(id) ?? `token_id:${id}`,
  };
}
