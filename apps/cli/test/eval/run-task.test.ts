import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import type { Pair } from '../../src/eval/item.ts';
import { localScorer } from '../../src/eval/local-scorer.ts';
import { type EvalContext, runTask } from '../../src/eval/run-task.ts';
import type { ScoreRequest, Scorer } from '../../src/eval/scorer.ts';
import type { TaskName } from '../../src/eval/tasks.ts';
import { temporaryFolder } from '../run-cli.ts';
import { plainScore, tinyModel } from './tiny-model.ts';

const folder = temporaryFolder();
const { model, tokenizer } = tinyModel();
afterAll(() => {
  folder.remove();
  model.dispose();
});

function write(
  name: string,
  rows: readonly object[],
  pack: (text: string) => string | Uint8Array = (text) => text,
) {
  const path = join(folder.path, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, pack(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
}
const QUESTIONS = [
  { query: 'Is it so?', choices: ['yes', 'no way', 'perhaps'], gold: 1 },
  { query: 'Who?', choices: ['me', 'you all'], gold: 0 },
  { query: 'Wann, wö?', choices: ['jetzt', 'hïer', 'nie', 'da'], gold: 3 },
  { query: 'Four?', choices: ['4', 'five'], gold: 1 },
  { query: 'Last one?', choices: ['aa', 'bbb'], gold: 0 },
];
write('arc-easy/test.jsonl.gz', QUESTIONS, gzipSync);
write(
  'arc-easy/train.jsonl',
  [...QUESTIONS].reverse().map((row) => ({ ...row, query: `T ${row.query}` })),
);
write('piqa/validation.jsonl.br', QUESTIONS, brotliCompressSync);

const notes: string[] = [];
const context = (more: Partial<EvalContext> = {}): EvalContext => ({
  scorer: localScorer(model),
  tokenizer,
  data: folder.path,
  limit: undefined,
  fewShot: 0,
  seed: 0,
  addBeginOfText: false,
  signal: new AbortController().signal,
  note: (line) => void notes.push(line),
  ...more,
});
/** Keeps the prompts in place of scoring them. */
function promptsOf(name: TaskName, more: Partial<EvalContext>) {
  const seen: string[] = [];
  const scorer: Scorer = {
    contextLength: 10_000,
    async score(requests: readonly ScoreRequest[]) {
      for (const request of requests) seen.push(Buffer.from(request.context).toString());
      return requests.map(() => ({ logprob: -1, isGreedy: false }));
    },
    takeSparsity: () => undefined,
    dispose() {},
  };
  return runTask(name, context({ ...more, scorer })).then(() => seen);
}

describe('runTask', () => {
  test('gives the metrics of an independent implementation', async () => {
    const accs: number[] = [];
    const norms: number[] = [];
    for (const { query, choices, gold } of QUESTIONS) {
      const pairs: Pair[] = choices.map((choice) => ({ context: query, continuation: ` ${choice}` }));
      const all = await Promise.all(pairs.map((pair) => plainScore(model, pair)));
      const best = (values: number[]) => values.indexOf(Math.max(...values));
      accs.push(best(all.map(({ logprob }) => logprob)) === gold ? 1 : 0);
      norms.push(
        best(all.map(({ logprob }, i) => logprob / new TextEncoder().encode(choices[i]).length)) === gold
          ? 1
          : 0,
      );
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const { metrics, items, sparsity, cut } = await runTask('arc-easy', context());
    expect([items, cut]).toEqual([5, 0]);
    expect(metrics.acc!.value).toBe(mean(accs));
    expect(metrics.acc_norm!.value).toBe(mean(norms));
    // sqrt(p (1 − p) / (n − 1)) is the standard error of zeros and ones.
    const p = mean(accs);
    expect(metrics.acc!.standardError).toBeCloseTo(Math.sqrt((p * (1 - p)) / 4), 12);
    expect(sparsity!.overall).toBeGreaterThan(0.45);
  });

  test('reads packed files, and only the first items where it is told', async () => {
    expect((await runTask('piqa', context({ limit: 2 }))).items).toBe(2);
  });

  test('examples come from the other split, with their answers', async () => {
    const [prompt] = await promptsOf('arc-easy', { fewShot: 2, limit: 1 });
    const [first, second, own, ...rest] = prompt!.split('\n\n');
    expect(rest).toEqual([]);
    expect(own).toBe('Is it so?');
    expect([first, second].every((shot) => shot!.startsWith('T '))).toBe(true);
    expect(first).not.toBe(second);
    const again = await promptsOf('arc-easy', { fewShot: 2, limit: 1 });
    expect(again[0]).toBe(prompt);
  });

  test('or from the same file without the row itself', async () => {
    const prompts = await promptsOf('piqa', { fewShot: 4 });
    const contexts = [...new Set(prompts)];
    for (const [i, prompt] of contexts.entries()) {
      const shots = prompt.split('\n\n');
      expect(shots).toHaveLength(5);
      expect(new Set(shots).size).toBe(5);
      expect(shots.slice(0, 4).some((shot) => shot.startsWith(QUESTIONS[i]!.query))).toBe(false);
    }
  });

  test('MMLU takes the first examples of the subject after its description', async () => {
    const of = (subject: string, query: string) => ({ subject, query, choices: ['u', 'v'], gold: 0 });
    write('mmlu/test.jsonl', [of('law', 'L?')]);
    write('mmlu/dev.jsonl', [of('art', 'A1'), of('law', 'L1'), of('law', 'L2'), of('law', 'L3')]);
    const [prompt] = await promptsOf('mmlu', { fewShot: 2 });
    expect(prompt).toBe(
      'The following are multiple choice questions (with answers) about law.\n\nL1\nA. u\nB. v\nAnswer: A\n\nL2\nA. u\nB. v\nAnswer: A\n\nL?\nA. u\nB. v\nAnswer:',
    );
    await expect(promptsOf('mmlu', { fewShot: 4 })).rejects.toThrow(
      /4 examples are required of law, .*dev\.jsonl has 3/,
    );
  });

  test('groups have accuracies of their own, tasks without examples say so', async () => {
    write('blimp/pairs.jsonl', [
      { good: 'He sits.', bad: 'He sit.', uid: 'a' },
      { good: 'They sit.', bad: 'They sits.', uid: 'b' },
      { good: 'I sit.', bad: 'I sits.', uid: 'b' },
    ]);
    notes.length = 0;
    const { groups, metrics, fewShot } = await runTask('blimp', context({ fewShot: 3 }));
    expect(fewShot).toBe(0);
    expect(notes).toEqual(['blimp takes no examples: its prompts are as they are']);
    expect(Object.keys(groups!)).toEqual(['a', 'b']);
    expect(metrics.acc!.value).toBeCloseTo((groups!.a! + 2 * groups!.b!) / 3, 12);
    // A limit is of each group.
    expect((await runTask('blimp', context({ limit: 1 }))).items).toBe(2);
  });

  test('prompts that are too long lose their beginning, and the first is named', async () => {
    write('lambada/test.jsonl', [
      { context: 'short', continuation: 'one' },
      { context: 'long '.repeat(40).trim(), continuation: 'two' },
    ]);
    notes.length = 0;
    const { cut, metrics } = await runTask('lambada', context());
    expect(cut).toBe(1);
    expect(notes[0]).toMatch(
      /^lambada: 1 of 2 prompts are longer than the model's context of 96 .*test\.jsonl, row 2 for one$/,
    );
    expect(metrics.perplexity!.value).toBeGreaterThan(1);
  });
});

describe('what cannot be evaluated', () => {
  test('a file that is not there', async () => {
    await expect(runTask('hellaswag', context())).rejects.toThrow(
      /hellaswag needs .*hellaswag\/validation\.jsonl \(or \.gz, \.br of it\), which is not there; check --data/,
    );
  });

  test.each([
    ['{"query": "x"', 'row 2: a JSON object is required, got {"query": "x"'],
    ['[1]', 'row 2: a JSON object is required, got [1]'],
    ['{"text": "x"}', 'row 2: "context" must be a text that is not empty, got none (there are text)'],
  ])('a row such as %s', async (line, message) => {
    mkdirSync(join(folder.path, 'wikidata-qa'), { recursive: true });
    writeFileSync(
      join(folder.path, 'wikidata-qa/test5k.jsonl'),
      `{"context":"a","continuation":"b"}\n${line}\n`,
    );
    await expect(runTask('wikidata-qa', context())).rejects.toThrow(message);
  });

  test('a damaged or empty file', async () => {
    mkdirSync(join(folder.path, 'copa'), { recursive: true });
    const path = join(folder.path, 'copa/validation.jsonl.gz');
    writeFileSync(path, gzipSync('{"query":"x"}'.repeat(50)).subarray(0, 30));
    await expect(runTask('copa', context())).rejects.toThrow(
      /copa\/validation\.jsonl\.gz: cannot be unpacked/,
    );
    writeFileSync(path, gzipSync('\n\n'));
    await expect(runTask('copa', context())).rejects.toThrow('the file is empty');
  });

  test('a continuation that is longer than the context', async () => {
    write('siqa/validation.jsonl', [QUESTIONS[0]!, { ...QUESTIONS[1], choices: ['x'.repeat(99), 'y'] }]);
    await expect(runTask('siqa', context())).rejects.toThrow(
      /siqa\/validation\.jsonl, row 2: the continuation has 100 tokens, the model sees 96/,
    );
  });
});
