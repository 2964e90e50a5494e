/** The model of @qsparse/showcase in a real browser: its files come with the page, and the processor computes. */
import { showcaseFiles } from '@qsparse/showcase';
import { device, fromPretrained, generate } from 'qsparse';
import { expect, test } from 'vitest';

test('loads from the files beside the script and writes', async () => {
  const cpu = await device('cpu');
  try {
    const { model, tokenizer } = await fromPretrained(showcaseFiles(), cpu);
    let text = '';
    for await (const piece of generate(model, tokenizer, 'It was a ', { maxTokens: 12, temperature: 0 }))
      text += piece;
    expect(text).toMatch(/^[\x20-\x7e]{12}$/);
    model.dispose();
  } finally {
    cpu.dispose();
  }
});
