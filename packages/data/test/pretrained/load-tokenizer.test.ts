import { formatTokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, TOKENIZER_FILES } from '../../src/pretrained/load-tokenizer.ts';
import { createOracle, hostileText, wellFormed } from '../oracle.ts';
import { shakespeare } from '../shakespeare.ts';
import { filesOf, type Kind, TINY_KINDS, tinyModel } from '../tiny-models.ts';

const tokenizers = Object.fromEntries(
  await Promise.all(
    TINY_KINDS.map(async (kind) => [kind, await loadTokenizer(filesOf(tinyModel(kind)))] as const),
  ),
);

/** What decoding gives back: Unicode forms and word marks are not told apart any more. */
function readable(kind: Kind, text: string): string {
  const formed = wellFormed(text);
  if (kind === 'qwen') return formed.normalize('NFC');
  if (kind === 'mistral') return formed.replaceAll('▁', ' ');
  return kind === 'metaspace' ? formed.replaceAll('▁', ' ').replace(/^ /, '') : formed;
}

describe.each(TINY_KINDS)('the tokenizer of %s', (kind) => {
  const tokenizer = tokenizers[kind]!;

  it.each(['parse', 'text'] as const)(
    'agrees with the other implementation, special tokens as %s',
    (specialTokens) => {
      const json = tokenizer.toJson();
      const special = json.added_tokens.filter((token) => specialTokens === 'parse' || !token.special);
      const oracle = createOracle({ ...json, added_tokens: special, post_processor: null });
      const check = (text: string): void => {
        const ids = tokenizer.encode(text, { specialTokens, addSpecialTokens: false });
        expect([...ids]).toEqual(oracle.encode(wellFormed(text)));
      };
      const contents = fc.constantFrom(' ', 'a', '\n', ...tokenizer.specialTokens.keys());
      const text = fc.array(fc.oneof(contents, hostileText), { maxLength: 6 }).map((parts) => parts.join(''));
      fc.assert(fc.property(text, check), { numRuns: 150 });
      check(shakespeare.slice(0, 8000));
    },
  );

  it('gives the text back', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const ids = tokenizer.encode(text, { specialTokens: 'text' });
        expect(tokenizer.decode(ids, { specialTokens: 'skip' })).toBe(readable(kind, text));
      }),
      { numRuns: 200 },
    );
  });

  it('streams what it decodes, wherever the stream begins, and never half a character', () => {
    const list = fc.array(fc.nat(tokenizer.vocabularySize - 1), { maxLength: 24 });
    const specialTokens = fc.constantFrom('text' as const, 'skip' as const);
    const texts = fc.oneof(
      list.filter((ids) => ids.every((id) => stands(id))),
      hostileText.map((text) => [...tokenizer.encode(text)]),
    );
    function stands(id: number): boolean {
      try {
        tokenizer.decode([id]);
        return true;
      } catch {
        return false;
      }
    }
    fc.assert(
      fc.property(texts, fc.nat(), specialTokens, (ids, place, how) => {
        const whole = tokenizer.decode(ids, { specialTokens: how });
        const cut = place % (ids.length + 1);
        const before = tokenizer.decoder({ specialTokens: how });
        const head = ids.slice(0, cut).map((id) => before.push(id));
        const after = tokenizer.decoder({ specialTokens: how, after: ids.slice(0, cut) });
        const tail = ids.slice(cut).map((id) => after.push(id));
        const pieces = [...head, ...tail, after.flush()];
        expect(pieces.join('')).toBe(whole);
        for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
      }),
      { numRuns: 200 },
    );
  });

  it('emits no replacement character while a character may still be completed', () => {
    const text = 'a👩‍👩‍👧 漢字 עברית e\u0301 \u0000 𐍈ñ';
    const decoder = tokenizer.decoder({ specialTokens: 'skip' });
    let streamed = '';
    for (const id of tokenizer.encode(text, { specialTokens: 'text' })) {
      streamed += decoder.push(id);
      expect(readable(kind, text).startsWith(streamed)).toBe(true);
    }
    expect(streamed).toBe(readable(kind, text));
    expect(decoder.flush()).toBe('');
  });

  it.each([
    ['one letter', 'a'.repeat(100_000)],
    ['spaces', ' '.repeat(100_000)],
    ['line ends', '\n'.repeat(100_000)],
    ['emoji', '👩‍👩‍👧'.repeat(12_500)],
    ['combining marks', `e${'\u0301'.repeat(99_999)}`],
    ['digits and NUL', '1\0'.repeat(50_000)],
    ['halves of characters', '\ud83d'.repeat(100_000)],
    ['right to left', 'שלום مرحبا '.repeat(9_000)],
  ])('takes 100,000 characters: %s', (_, text) => {
    const ids = tokenizer.encode(text);
    expect(tokenizer.decode(ids, { specialTokens: 'skip' })).toBe(readable(kind, text));
  });

  it('comes back from its own tokenizer.json', async () => {
    const text = formatTokenizerJson(tokenizer.toJson());
    const again = await loadTokenizer({ ...filesOf(tinyModel(kind)), 'tokenizer.json': text });
    const sample = `<s>${shakespeare.slice(0, 500)} <|im_end|><|endoftext|>`;
    expect(again.encode(sample)).toEqual(tokenizer.encode(sample));
    expect(formatTokenizerJson(again.toJson())).toBe(text);
  });

  it('refuses ids that stand for nothing', () => {
    for (const id of [tokenizer.vocabularySize, -1, 0.5, Number.NaN])
      expect(() => tokenizer.decode([id])).toThrow(expect.objectContaining({ code: 'vocabulary' }));
  });
});

it('knows what begins and ends a text', () => {
  const ids = (kind: Kind) => {
    const { beginOfText, endOfText, stopTokens, specialTokens } = tokenizers[kind]!;
    const name = (id: number | undefined) => [...specialTokens].find(([, other]) => other === id)?.[0];
    return [name(beginOfText), name(endOfText), stopTokens.map(name)];
  };
  expect(ids('gpt2')).toEqual(['<|endoftext|>', '<|endoftext|>', ['<|endoftext|>']]);
  expect(ids('llama3')).toEqual(['<|begin_of_text|>', '<|end_of_text|>', ['<|end_of_text|>', '<|eot_id|>']]);
  expect(ids('qwen')).toEqual([undefined, '<|im_end|>', ['<|im_end|>', '<|endoftext|>']]);
  expect(ids('mistral')).toEqual(['<s>', '</s>', ['</s>']]);
  expect([...tokenizers.mistral!.namedTokens]).toEqual([
    ['bos_token', '<s>'],
    ['eos_token', '</s>'],
    ['unk_token', '<unk>'],
  ]);
});

it('puts around a text what the files say, and nothing when asked', () => {
  const first = (kind: Kind) => [...tokenizers[kind]!.encode('a')];
  const bare = (kind: Kind) => [...tokenizers[kind]!.encode('a', { addSpecialTokens: false })];
  for (const kind of ['llama3', 'bitnet', 'mistral', 'metaspace'] as const)
    expect(first(kind)).toEqual([tokenizers[kind]!.beginOfText, ...bare(kind)]);
  for (const kind of ['gpt2', 'qwen'] as const) expect(first(kind)).toEqual(bare(kind));
});

it('takes a guard out of the text, but only after special tokens were found', () => {
  const guard = '\ufdd0';
  for (const kind of TINY_KINDS) {
    const tokenizer = tokenizers[kind]!;
    const end = [...tokenizer.specialTokens].find(([, id]) => id === tokenizer.endOfText)![0];
    const ids = tokenizer.encode(`a ${end[0]}${guard}${end.slice(1)} b`, { guard, addSpecialTokens: false });
    const options = { specialTokens: 'text', addSpecialTokens: false } as const;
    expect(ids).toEqual(tokenizer.encode(`a ${end} b`, options));
    expect(tokenizer.encode(`a${end}b`, { guard })).toContain(tokenizer.endOfText);
  }
});

it('names the files it knows, tokenizer.json first', () => {
  expect(TOKENIZER_FILES[0]).toBe('tokenizer.json');
  expect(TOKENIZER_FILES).toContain('chat_template.jinja');
});
