// A small byte-level tokenizer for tests, as a value and as the plain JSON object of its file.
import { byteAlphabet, byteLevelTokenizer, formatTokenizerJson, type TokenizerJson } from '@qsparse/formats';

export function smallTokenizer(): TokenizerJson {
  const vocab = new Map(byteAlphabet().map((character, byte) => [character, byte]));
  for (const token of ['he', 'll', 'hell', 'Ġw', '10', '__']) vocab.set(token, vocab.size);
  const merges = ['h e', 'l l', 'he ll', 'Ġ w', '1 0', '_ _'].map(
    (pair) => pair.split(' ') as [string, string],
  );
  return byteLevelTokenizer({ vocab, merges, specialTokens: new Map([['<|endoftext|>', 262]]) });
}

// biome-ignore lint/suspicious/noExplicitAny: tests bend the file in every place
export type LooseJson = any;

/** The file's JSON, free to be bent. */
export function smallTokenizerFile(): LooseJson {
  return JSON.parse(formatTokenizerJson(smallTokenizer()));
}
