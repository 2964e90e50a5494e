import { readObjects, TextError } from '@qsparse/data';
import {
  type Dialogue,
  parsePreferenceRecord,
  parseTuningRecord,
  type TuningFormat,
} from '@qsparse/data/tuning';
import { describe, expect, test } from 'vitest';

const linesOf = (lines: readonly unknown[]) => ({
  name: 'data.jsonl',
  content: new TextEncoder().encode(
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  ),
});

async function examples(lines: readonly unknown[], format?: TuningFormat): Promise<Dialogue[]> {
  const found: Dialogue[] = [];
  const take = (value: object, line: number, fail: Parameters<typeof parseTuningRecord>[2]) => [
    parseTuningRecord(value, { file: 'data.jsonl', line }, fail, format),
  ];
  for await (const { dialogue } of readObjects(linesOf(lines), take)) found.push(dialogue);
  return found;
}

test('three forms are told apart by their keys', async () => {
  const messages = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'a' },
  ];
  expect(
    await examples([
      { prompt: 'p', completion: 'c', dataset: 'x' },
      '',
      { instruction: 'do', input: 'this', output: 'done' },
      { instruction: 'do', input: ' ', output: 'done' },
      { instruction: 'do', output: 'done' },
      { messages, persona: [] },
    ]),
  ).toEqual([
    { prompt: 'p', completion: 'c' },
    {
      messages: [
        { role: 'user', content: 'do\n\nthis' },
        { role: 'assistant', content: 'done' },
      ],
    },
    {
      messages: [
        { role: 'user', content: 'do' },
        { role: 'assistant', content: 'done' },
      ],
    },
    {
      messages: [
        { role: 'user', content: 'do' },
        { role: 'assistant', content: 'done' },
      ],
    },
    { messages },
  ]);
});

describe('a line that does not fit is named with its file and line', () => {
  test.each<[string, unknown, TuningFormat | undefined, string]>([
    [
      'no known keys',
      { text: 'x' },
      undefined,
      'the keys must be "prompt" and "completion", or "instruction" and "output", or "messages"; there are "text"',
    ],
    ['an empty object', {}, undefined, 'the object is empty'],
    [
      'a stated form without its field',
      { prompt: 'p', answer: 'c' },
      'completion',
      'no key "completion", there are "prompt", "answer"',
    ],
    [
      'a field that is no text',
      { prompt: 'p', completion: 3 },
      undefined,
      'key "completion" must hold a string, got number',
    ],
    [
      'messages that are none',
      { messages: 'hello' },
      undefined,
      'key "messages" must hold a list of messages, got string',
    ],
    ['no messages', { messages: [] }, undefined, 'key "messages" must hold a list of messages'],
    [
      'a message without a role',
      { messages: [{ content: 'x' }] },
      undefined,
      'message 0 of "messages" must have a role and a content of text',
    ],
    ['a message that is null', { messages: [null] }, undefined, 'message 0 of "messages" must have'],
    ['a list', '[1]', undefined, 'a line must be a JSON object, got an array'],
    ['no JSON', '{"prompt": ', undefined, 'not valid JSON'],
  ])('%s', async (_, line, format, message) => {
    const run = examples([{ prompt: 'p', completion: 'c' }, line], format);
    await expect(run).rejects.toThrow(TextError);
    await expect(run).rejects.toThrow('data.jsonl, line 2: ');
    await expect(run).rejects.toThrow(message);
  });
});

test('preferences: text after a prompt, Alpaca, and messages', async () => {
  const [asked, good, bad] = [
    { role: 'user', content: 'q' },
    { role: 'assistant', content: 'good' },
    { role: 'assistant', content: 'bad' },
  ];
  const lines = [
    { prompt: 'p', chosen: 'c', rejected: 'r' },
    { instruction: 'q', input: '', output: 'x', chosen: 'good', rejected: 'bad' },
    { prompt: [asked], chosen: [good], rejected: [bad] },
    { chosen: [asked, good], rejected: [asked, bad] },
  ];
  const found: [Dialogue, Dialogue][] = [];
  const take = (value: object, line: number, fail: Parameters<typeof parsePreferenceRecord>[2]) => [
    parsePreferenceRecord(value, { file: 'data.jsonl', line }, fail),
  ];
  for await (const { chosen, rejected } of readObjects(linesOf(lines), take)) found.push([chosen, rejected]);
  const chat = [{ messages: [asked, good] }, { messages: [asked, bad] }];
  expect(found).toEqual([
    [
      { prompt: 'p', completion: 'c' },
      { prompt: 'p', completion: 'r' },
    ],
    chat,
    chat,
    chat,
  ]);
  const wrong = readObjects(linesOf([{ prompt: 'p', chosen: 'c' }]), take).next();
  await expect(wrong).rejects.toThrow('"prompt" and "chosen" and "rejected"');
});
