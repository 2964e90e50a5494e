import { parseTokenizerJson, type TokenizerJson } from '@qsparse/formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atMarks, characterWords } from '../../src/pretrained/character-words.ts';
import { hostileText } from '../oracle.ts';
import { type LooseJson, tinyModel } from '../tiny-models.ts';

function json(bend: (model: LooseJson) => void = () => {}): TokenizerJson {
  const file = tinyModel('mistral')['tokenizer.json'];
  bend(file.model);
  return parseTokenizerJson(JSON.stringify(file));
}
const BYTE = 3;

describe('characterWords', () => {
  it('spells characters that are no tokens in bytes', () => {
    const encode = characterWords(json());
    expect([...encode('漢')]).toEqual([...new TextEncoder().encode('漢')].map((byte) => BYTE + byte));
  });

  it('falls back to the unknown token, once for a run or once for each', () => {
    const bytesGone = (model: LooseJson) => (model.byte_fallback = false);
    const vocab = json().model.vocab;
    expect([...characterWords(json(bytesGone))('漢字e漢')]).toEqual([0, vocab.get('e'), 0]);
    const each = json((model) => Object.assign(model, { byte_fallback: false, fuse_unk: false }));
    expect([...characterWords(each)('漢字')]).toEqual([0, 0]);
  });

  it('never gives a special token that a vocabulary lists', () => {
    const whole = json((model) => (model.ignore_merges = true));
    expect([...characterWords(whole)('<s>')]).not.toContain(1);
    expect([...characterWords(whole)('▁the')]).toEqual([whole.model.vocab.get('▁the')]);
  });
});

describe('atMarks', () => {
  const identity = (text: string, _first: boolean, emit: (piece: string) => void): void => emit(text);
  const cut = (definition: TokenizerJson, text: string): string[] => {
    const words: string[] = [];
    atMarks(definition, identity)(text, true, (word) => words.push(word));
    return words;
  };

  it('cuts before runs of marks', () => {
    expect(cut(json(), '▁a▁▁b▁')).toEqual(['▁a', '▁▁b', '▁']);
    expect(cut(json(), 'a')).toEqual(['a']);
  });

  it('changes no id', () => {
    const definition = json();
    const encode = characterWords(definition);
    fc.assert(
      fc.property(hostileText, (text) => {
        const marked = `▁${text.replaceAll(' ', '▁')}`;
        expect(cut(definition, marked).flatMap((word) => [...encode(word)])).toEqual([...encode(marked)]);
      }),
    );
  });

  it('cuts nothing where a merge crosses, or a word may be a token as a whole', () => {
    const crossing = json((model) => {
      model.vocab['e▁'] = 5000;
      model.vocab['e▁t'] = 5001;
      model.merges.push('e ▁t');
    });
    expect(cut(crossing, '▁e▁t')).toEqual(['▁e▁t']);
    expect(
      cut(
        json((model) => (model.ignore_merges = true)),
        '▁e▁t',
      ),
    ).toEqual(['▁e▁t']);
  });
});
