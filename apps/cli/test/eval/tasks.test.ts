import { describe, expect, test } from 'vitest';
import type { Score } from '../../src/eval/item.ts';
import { TASKS, type TaskName } from '../../src/eval/tasks.ts';

const row = (fields: Record<string, unknown>) => ({ file: 'set.jsonl', row: 3, fields });
const read = (name: TaskName, fields: Record<string, unknown>) => TASKS[name].read(row(fields));
const scores = (...logprobs: number[]): Score[] => logprobs.map((logprob) => ({ logprob, isGreedy: false }));
const CHOICES = { query: 'Question: Why?\nAnswer:', choices: ['no', 'because of it'], gold: 1 };

describe("the harness's strings", () => {
  test('choices come after the query and a space', () => {
    expect(read('arc-easy', CHOICES).pairs).toEqual([
      { context: 'Question: Why?\nAnswer:', continuation: ' no' },
      { context: 'Question: Why?\nAnswer:', continuation: ' because of it' },
    ]);
    expect(read('arc-easy', CHOICES).shot).toBe('Question: Why?\nAnswer: because of it');
  });

  test('CommonsenseQA and MMLU show the choices and score letters', () => {
    expect(read('commonsenseqa', CHOICES).pairs).toEqual(
      [' A', ' B'].map((continuation) => ({
        context: 'Question: Why?\nA. no\nB. because of it\nAnswer:',
        continuation,
      })),
    );
    const mmlu = read('mmlu', { ...CHOICES, query: 'Why?', subject: 'abstract_algebra' });
    expect(mmlu.pairs[1]).toEqual({ context: 'Why?\nA. no\nB. because of it\nAnswer:', continuation: ' B' });
    expect(mmlu.shot).toBe('Why?\nA. no\nB. because of it\nAnswer: B');
    expect(mmlu.description).toBe(
      'The following are multiple choice questions (with answers) about abstract algebra.\n\n',
    );
    expect(read('mmlu-text', { ...CHOICES, query: 'Why?', subject: 'x' }).pairs[0]).toEqual({
      context: 'Question: Why?\nAnswer:',
      continuation: ' no',
    });
  });

  test('Social IQa asks with Q and A, COPA drops the comma', () => {
    expect(read('siqa', CHOICES).pairs[0]!.context).toBe('Q: Why?\nA:');
    const copa = { ...CHOICES, query: 'The man turned on the faucet, therefore' };
    expect(read('copa', copa).pairs[0]!.context).toBe('The man turned on the faucet therefore');
  });

  test('WinoGrande scores one continuation after each context', () => {
    const fields = { context_options: ['Ann so Ann', 'Ann so Bo'], continuation: 'won.', gold: 1 };
    expect(read('winogrande', fields).pairs).toEqual([
      { context: 'Ann so Ann', continuation: ' won.' },
      { context: 'Ann so Bo', continuation: ' won.' },
    ]);
    expect(read('winogrande', fields).shot).toBe('Ann so Bo won.');
  });

  test('BLiMP scores whole sentences after nothing', () => {
    const item = read('blimp', { good: 'He sits.', bad: 'He sit.', uid: 'agreement' });
    expect(item.pairs).toEqual([
      { context: '', continuation: ' He sits.' },
      { context: '', continuation: ' He sit.' },
    ]);
    expect([item.group, item.shot]).toEqual(['agreement', undefined]);
  });

  test('TruthfulQA has six examples in front', () => {
    const fields = { question: 'Why?', best: 'So.', correct: ['So.', 'Thus.'], incorrect: ['No.'] };
    const [first] = read('truthfulqa-mc1', fields).pairs;
    expect(first!.context.match(/^Q: /gm)).toHaveLength(7);
    expect(first!.context).toMatch(
      /^Q: What is human life expectancy .*Barcelona, Spain\.\n\nQ: Why\?\nA:$/s,
    );
    expect(read('truthfulqa-mc2', fields).pairs.map(({ continuation }) => continuation)).toEqual([
      ' So.',
      ' Thus.',
      ' No.',
    ]);
  });
});

describe('grades', () => {
  test('acc takes the largest, acc_norm divides by the bytes of the choice', () => {
    // −6 / 2 bytes is less than −13 / 13 bytes.
    expect(read('arc-easy', CHOICES).grade(scores(-6, -13))).toEqual({ acc: 0, acc_norm: 1 });
    const accents = { ...CHOICES, choices: ['éé', 'abc'], gold: 0 };
    expect(read('arc-easy', accents).grade(scores(-4, -3.5)).acc_norm).toBe(1); // −4/4 against −3.5/3
  });

  test('of equal choices the first is taken', () => {
    expect(read('arc-easy', CHOICES).grade(scores(-6, -6)).acc).toBe(0);
  });

  test('a cloze is right where the model would have written it', () => {
    const item = read('lambada', { context: 'It is', continuation: 'so' });
    expect(item.pairs).toEqual([{ context: 'It is', continuation: ' so' }]);
    expect(item.grade([{ logprob: -2, isGreedy: true }])).toEqual({ acc: 1, perplexity: -2 });
  });

  test('mc1 compares the best answer, mc2 sums probabilities, also of impossible answers', () => {
    const fields = { question: 'Why?', best: 'So.', correct: ['So.', 'Thus.'], incorrect: ['No.'] };
    expect(read('truthfulqa-mc1', fields).grade(scores(-1, -2))).toEqual({ acc: 1 });
    const share = (0.2 + 0.3) / (0.2 + 0.3 + 0.1);
    const mc2 = read('truthfulqa-mc2', fields);
    expect(mc2.grade(scores(Math.log(0.2), Math.log(0.3), Math.log(0.1))).acc).toBeCloseTo(share, 12);
    expect(mc2.grade(scores(-2000, -2000, -2000)).acc).toBeCloseTo(2 / 3, 12);
  });
});

describe('rows in another form are refused by file, row and field', () => {
  test.each([
    [
      'arc-easy',
      { query: 'x', choices: ['a', 'b'] },
      '"gold" must be a whole number from 0 to 1, got none (there are query, choices)',
    ],
    ['arc-easy', { ...CHOICES, gold: 2 }, '"gold" must be a whole number from 0 to 1, got 2'],
    ['arc-easy', { ...CHOICES, choices: ['a'] }, '"choices" must be a list of at least 2 texts'],
    [
      'arc-easy',
      { ...CHOICES, choices: ['a', ''] },
      '"choices" must be a list of at least 2 texts that are not empty',
    ],
    ['piqa', { ...CHOICES, query: 7 }, '"query" must be a text that is not empty, got 7'],
    [
      'lambada',
      { context: 'x', continuation: '' },
      '"continuation" must be a text that is not empty, got ""',
    ],
    ['winogrande', CHOICES, '"context_options" must be a list'],
    ['mmlu', CHOICES, '"subject" must be a text'],
    [
      'truthfulqa-mc2',
      { question: 'x', best: 'y', correct: [], incorrect: ['z'] },
      '"correct" must be a list of at least 1',
    ],
    [
      'blimp',
      { good: 'a', bad: 'b' },
      '"uid" must be a text that is not empty, got none (there are good, bad)',
    ],
  ] as const)('%s %j', (name, fields, message) => {
    expect(() => read(name, fields)).toThrow(`[eval] set.jsonl, row 3: ${message}`);
  });
});
