import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveModel } from 'qsparse/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel } from '../eval/tiny-model.ts';
import { cli, temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
const path = join(folder.path, 'tiny');
const data = join(folder.path, 'data');
const row = (i: number) => ({ query: `Question: ${i}?\nAnswer:`, choices: ['yes', 'no'], gold: i % 2 });

beforeAll(async () => {
  const { model, tokenizer } = tinyModel();
  await saveModel(path, model, tokenizer);
  model.dispose();
  const write = (name: string, rows: readonly object[]) => {
    mkdirSync(join(data, name, '..'), { recursive: true });
    writeFileSync(join(data, name), rows.map((one) => JSON.stringify(one)).join('\n'));
  };
  write('arc-easy/test.jsonl', [0, 1, 2, 3].map(row));
  write('piqa/validation.jsonl', [row(0), { query: 'x', choices: ['a', 'b'] }]);
  writeFileSync(join(folder.path, 'text.txt'), 'Nothing much happens in this text.');
});
afterAll(() => folder.remove());
const evaluate = (...argv: string[]) => cli('eval', path, '--data', data, '--device', 'reference', ...argv);

describe('qsparse eval', () => {
  test('prints a table with standard errors, and the sparsity', async () => {
    const { code, out, err } = await evaluate(
      '--tasks',
      'arc-easy,bpb',
      '--text',
      join(folder.path, 'text.txt'),
    );
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^task +items +shots +metric +value +std\. error$/);
    expect(lines[1]).toMatch(/^arc-easy +4 +0 +acc +\d+\.\d\d +± \d+\.\d\d$/);
    expect(lines[2]).toMatch(/^ +acc_norm +\d+\.\d\d/);
    expect(lines[3]).toMatch(/^text +1 +0 +bits_per_byte +\d+\.\d{4}$/);
    expect(out).toMatch(
      /sparsity +5\d\.\d % of the inputs of linear layers are zero, .*qkv 50\.0 %.* tokens/,
    );
    expect(err).toMatch(/^arc-easy done in /);
  });

  test('with --json one object a task', async () => {
    const { out } = await evaluate('--tasks', 'arc-easy', '--json', '--limit', '3', '--few-shot', '1');
    expect(JSON.parse(out)).toMatchObject({
      event: 'task',
      task: 'arc-easy',
      items: 3,
      fewShot: 1,
      metrics: { acc: { value: expect.any(Number), standardError: expect.any(Number) } },
      sparsity: { overall: expect.any(Number), sites: { 'layers.0.qkv': 0.5 } },
    });
  });

  test('what is finished is printed, also where the next task fails', async () => {
    const { code, out, err } = await evaluate('--tasks', 'arc-easy,piqa');
    expect(code).toBe(1);
    expect(out).toContain('arc-easy');
    expect(err).toMatch(
      /\[eval\] .*piqa\/validation\.jsonl, row 2: "gold" must be a whole number from 0 to 1, got none/,
    );
  });

  test.each([
    [['--tasks', 'arc-esy'], 'there is no task "arc-esy"; did you mean arc-easy?'],
    [[], '--tasks is required: names with commas between'],
    [['--tasks', 'ppl'], 'the task "text" needs --text FILE'],
    [['--tasks', 'copa', '--limit', '0'], '--limit must be a whole number of at least 1, got "0"'],
    [['--tasks', 'copa', '--compute', 'f16'], '--compute must be f32 or bf16, got f16'],
  ])('wrong use: %j', async (argv, message) => {
    const { code, err } = await evaluate(...argv);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
