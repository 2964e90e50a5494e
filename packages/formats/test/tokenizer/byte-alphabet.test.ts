import { byteAlphabet, byteTokens } from '@qsparse/formats';
import { expect, test } from 'vitest';

test('256 different characters, none of them blank', () => {
  const alphabet = byteAlphabet();
  expect(new Set(alphabet).size).toBe(256);
  for (const character of alphabet) expect(character).toMatch(/^[^\s\p{C}]$/u);
});

test("the known characters of GPT-2's vocabulary", () => {
  const alphabet = byteAlphabet();
  const known: [number, string][] = [
    [0, 'Ā'],
    [10, 'Ċ'],
    [32, 'Ġ'],
    [33, '!'],
    [126, '~'],
    [127, 'ġ'],
    [160, 'ł'],
    [161, '¡'],
    [173, 'Ń'],
    [174, '®'],
    [255, 'ÿ'],
  ];
  for (const [byte, character] of known) expect(alphabet[byte]).toBe(character);
});

test("SentencePiece's byte tokens", () => {
  expect(byteTokens()).toHaveLength(256);
  expect([byteTokens()[0], byteTokens()[10], byteTokens()[255]]).toEqual(['<0x00>', '<0x0A>', '<0xFF>']);
});
