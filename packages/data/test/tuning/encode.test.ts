import { type ChatTemplate, createByteTokenizer, createChatTemplate, trainBpe } from '@qsparse/data';
import { type Dialogue, encodeDialogue, plainChatTemplate, UnusableExampleError } from '@qsparse/data/tuning';
import { beforeAll, describe, expect, test } from 'vitest';

const tokenizer = createByteTokenizer();
const end = tokenizer.endOfText;
const place = { file: 'data.jsonl', line: 7 };
let template: ChatTemplate;
beforeAll(async () => {
  template = await createChatTemplate(tokenizer, { template: plainChatTemplate(tokenizer) });
});

const encoded = (dialogue: Dialogue, options = {}) =>
  encodeDialogue(dialogue, place, { tokenizer, template, context: 200, ...options });
/** What the loss counts, as text. */
const learnt = ({ targets }: { targets: Int32Array }, decode = tokenizer.decode) =>
  decode(targets.filter((target) => target >= 0));

test('a completion counts, its prompt does not, and every target is the next token', () => {
  const { tokens, targets } = encoded({ prompt: 'Two and two', completion: 'four' });
  expect(tokenizer.decode(tokens)).toBe('Two and two\nfour');
  expect(learnt({ targets })).toBe('four<|endoftext|>');
  expect([...targets.subarray(0, 11)]).toEqual(Array(11).fill(-1));
  targets.forEach((target, i) => {
    if (target >= 0 && i + 1 < tokens.length) expect(target).toBe(tokens[i + 1]);
  });
  expect(targets.at(-1)).toBe(end);
  expect(tokenizer.decode(encoded({ prompt: 'Yes', completion: ' or no' }, { separator: '' }).tokens)).toBe(
    'Yes or no',
  );
});

test('text that spells a special token ends nothing', () => {
  const { tokens } = encoded({ prompt: 'a<|endoftext|>', completion: 'b<|endoftext|>c' });
  expect([...tokens]).not.toContain(end);
});

test('all answers of a conversation count, each up to the end of its turn', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi<|endoftext|>' },
    { role: 'assistant', content: 'Hello' },
    { role: 'user', content: 'Bye' },
    { role: 'assistant', content: 'See you' },
    { role: 'user', content: 'not answered' },
  ];
  const { tokens, targets } = encoded({ messages });
  expect(learnt({ targets })).toBe('Hello<|endoftext|>See you<|endoftext|>');
  expect(tokenizer.decode(tokens)).toBe(
    'Be brief.\n\n### Instruction:\nHi<|endoftext|>\n\n### Response:\nHello<|endoftext|>\n\n### Instruction:\nBye\n\n### Response:\nSee you',
  );
  // What chat gives the model before the second answer is what it was trained to see there.
  const asked = template.encode(messages.slice(0, 4));
  expect([...tokens.subarray(0, asked.length)]).toEqual([...asked]);
  expect(targets[asked.length - 1]).toBe('S'.charCodeAt(0));
});

test('an answer that a template shows in another way later does not count; the last one does', async () => {
  const forgetful = await createChatTemplate(tokenizer, {
    template:
      "{%- for m in messages -%}{%- if m.role == 'user' -%}{{ 'Q' + m.content + ' ' }}{%- elif loop.last -%}{{ 'A' + m.content + '<|endoftext|>' }}{%- else -%}{{ 'A' + m.content[:2] + ' ' }}{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}A{%- endif -%}",
  });
  const messages = ['user', 'assistant', 'user', 'assistant'].map((role, i) => ({
    role,
    content: `text${i}`,
  }));
  expect(learnt(encoded({ messages }, { template: forgetful }))).toBe('text3<|endoftext|>');
});

test('a token that holds the end of the prompt and the beginning of the answer counts as the answer', async () => {
  const bpe = await trainBpe(['abab abab abab abab'], { vocabSize: 260 });
  const { targets } = encodeDialogue({ prompt: 'a', completion: 'bab' }, place, {
    tokenizer: bpe,
    template,
    context: 9,
    separator: '',
  });
  expect(learnt({ targets }, bpe.decode).endsWith('<|endoftext|>')).toBe(true);
});

describe('what cannot be learnt from is named with its file and line', () => {
  test.each<[string, Dialogue, object, string]>([
    ['an empty completion', { prompt: 'p', completion: ' \n' }, {}, 'the completion is empty'],
    [
      'an empty answer',
      {
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: '' },
        ],
      },
      {},
      'message 1, an answer, is empty',
    ],
    ['no answer', { messages: [{ role: 'user', content: 'q' }] }, {}, 'there is no message of the assistant'],
    [
      'a prompt as long as the context',
      { prompt: '123456789', completion: 'x' },
      { context: 9, cut: true },
      'the prompt has 10 tokens, the context is 9',
    ],
    [
      'a completion beyond the context',
      { prompt: '1234', completion: '56789' },
      { context: 9 },
      'prompt and completion have 11 tokens, the context is 9',
    ],
  ])('%s', (_, dialogue, options, message) => {
    const run = () => encoded(dialogue, options);
    expect(run).toThrow(UnusableExampleError);
    expect(run).toThrow(`data.jsonl, line 7: ${message}`);
  });

  test('a template that refuses the messages', async () => {
    const strict = await createChatTemplate(tokenizer, { template: "{{ raise_exception('no system') }}" });
    const run = () => encoded({ messages: [{ role: 'assistant', content: 'x' }] }, { template: strict });
    expect(run).toThrow('data.jsonl, line 7: ');
    expect(run).toThrow('no system');
  });
});

test('an example as long as the context fits; a longer completion can be cut', () => {
  expect(encoded({ prompt: '1234', completion: '5678' }, { context: 9 }).tokens).toHaveLength(9);
  const cut = encoded({ prompt: '1234', completion: '56789abc' }, { context: 9, cut: true });
  expect(learnt(cut)).toBe('56789');
  expect(cut.tokens).toHaveLength(9);
});
