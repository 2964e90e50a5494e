import { describe, expect, it } from 'vitest';
import { BYTE_SYMBOLS, bytesOf, symbolsOf } from '../../src/tokenizer/alphabet.ts';

describe('the byte alphabet', () => {
  it('spells as GPT-2 does', () => {
    expect(symbolsOf(new TextEncoder().encode(' a\n\té'))).toBe('ĠaĊĉÃ©');
    expect(symbolsOf(Uint8Array.of(0, 0x7f, 0xad, 0xff))).toBe('ĀġŃÿ');
  });

  it('has one letter for each byte, and goes back', () => {
    expect(new Set(BYTE_SYMBOLS).size).toBe(256);
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(symbolsOf(bytes)).toHaveLength(256);
    expect(bytesOf(symbolsOf(bytes))).toEqual(bytes);
  });
});
