import { expect, it } from 'vitest';
import { createNormalizer } from '../../src/pretrained/normalize.ts';

it('does the steps in their order', () => {
  const prepend = { type: 'Prepend', prepend: '▁' } as const;
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' } as const;
  const both = createNormalizer({ type: 'Sequence', normalizers: [prepend, replace] })!;
  expect(both(' a b')).toBe('▁▁a▁b');
  expect(both('')).toBe('');
  expect(createNormalizer({ type: 'NFC' })!('e\u0301')).toBe('é');
  expect(createNormalizer({ type: 'NFKD' })!('ﬁ½')).toBe('fi1⁄2');
  expect(createNormalizer(null)).toBeUndefined();
});

it('takes patterns and contents as they are written', () => {
  const replace = createNormalizer({ type: 'Replace', pattern: { String: '.' }, content: '$&' })!;
  expect(replace('a.b')).toBe('a$&b');
});
