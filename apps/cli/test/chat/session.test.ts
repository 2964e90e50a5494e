import { sizeOf } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { createByteTokenizer, createChatTemplate } from '@qsparse/data';
import { createDecoder, initialize } from '@qsparse/layers';
import { generateSteps } from '@qsparse/models';
import { expect, test, vi } from 'vitest';
import { createSession } from '../../src/chat/session.ts';
import { CONFIG, SPECIAL, TEMPLATE } from './chat-model.ts';

/** A session on a model with random weights, and how many tokens were read in one go so far. */
async function started(system?: string) {
  const device = referenceDevice();
  const { kernel } = device;
  let read = 0;
  vi.spyOn(device, 'kernel').mockImplementation((op) => {
    const run = kernel(op);
    if (op.name !== 'embedding') return run;
    return (ins, outs, attrs) => {
      read += sizeOf(ins.ids!.shape);
      run?.(ins, outs, attrs);
    };
  });
  const tokenizer = createByteTokenizer({ specialTokens: SPECIAL });
  const model = createDecoder(device, { ...CONFIG, contextLength: 4096 });
  initialize(model, 1);
  const template = await createChatTemplate(tokenizer, { template: TEMPLATE });
  const generation = { maxTokens: 20, temperature: 1, seed: 3 };
  const session = createSession({ model, tokenizer, template, system, generation });
  /** Asks, and compares the answer with that of the whole conversation read anew. */
  const ask = async (question: string, seed: number) => {
    const prompt = template.encode([...session.messages, { role: 'user', content: question }]);
    const options = { ...generation, seed: 3 + seed, stopTokens: template.stopTokens };
    let expected = '';
    for await (const { text } of generateSteps(model, tokenizer, prompt, options)) expected += text;
    read = 0;
    const { text } = await session.answer(question, () => {}, new AbortController().signal);
    expect(text).toBe(expected);
    return { read, length: prompt.length };
  };
  return { session, ask, device };
}

test('every turn reads what is new alone, and answers as if it had read everything', async () => {
  const { session, ask } = await started('Be brief, be exact, be kind, and say nothing else at all.');
  const first = await ask('Who are you?', 0);
  expect(first.read).toBeGreaterThanOrEqual(first.length - 1);
  let before = first;
  for (const turn of [1, 2]) {
    const next = await ask(`What else (${turn})?`, turn);
    // The question and at most the answer before it: bytes that are no text are encoded in another way.
    expect(next.read).toBeLessThanOrEqual(next.length - before.length);
    before = next;
  }
  session.reset();
  const again = await ask('Who are you?', 0);
  expect(again.read).toBeLessThan(first.length / 2);
  await session.close();
});

test('a conversation that outgrows its room is read once more, in a larger one', async () => {
  const { session, ask, device } = await started();
  const before = device.memory().count;
  await ask('short', 0);
  const long = await ask('x'.repeat(1100), 1);
  expect(long.read).toBeGreaterThanOrEqual(long.length - 1);
  expect((await ask('more', 2)).read).toBeLessThan(300);
  await session.close();
  expect(device.memory().count).toBe(before);
});
