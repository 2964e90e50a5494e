import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openChoices } from '../../src/matmul/choices.ts';

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'qsparse-choices-'));
  folders.push(made);
  return made;
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

const GPU = 'NVIDIA H100 80GB HBM3';
const algorithm = (seed: number) => Uint8Array.from({ length: 64 }, (_, i) => (i * 7 + seed) % 256);
const fileIn = (made: string): string => join(made, readdirSync(made)[0]!);

test('a choice comes back in another process of the same GPU and version, byte by byte', () => {
  const made = join(folder(), 'not', 'there', 'yet');
  const choices = openChoices(made, GPU, 130100);
  expect(choices.get('plan')).toBeUndefined();
  choices.set('plan', algorithm(3), 12.3456);
  expect(choices.get('plan')).toEqual(algorithm(3));
  expect(choices.problem).toBeUndefined();
  expect(openChoices(made, GPU, 130100).get('plan')).toEqual(algorithm(3));
  expect(openChoices(made, GPU, 130200).get('plan')).toBeUndefined();
  expect(openChoices(made, 'NVIDIA H200', 130100).get('plan')).toBeUndefined();
});

test('names of files have no characters that a file system minds, and nothing is left beside them', () => {
  const made = folder();
  openChoices(made, 'A/B: "c" \\ d', 1).set('plan', algorithm(0), 1);
  expect(readdirSync(made)).toEqual(['cublas-lt-A-B-c-d-1.json']);
});

test('two GPUs whose names give one file do not read each other', () => {
  const made = folder();
  openChoices(made, 'A/B', 1).set('plan', algorithm(0), 1);
  expect(openChoices(made, 'A B', 1).get('plan')).toBeUndefined();
});

test('what another process added meanwhile stays; what this one uses stays its own', () => {
  const made = folder();
  const first = openChoices(made, GPU, 1);
  const second = openChoices(made, GPU, 1);
  first.set('a', algorithm(1), 1);
  first.set('both', algorithm(2), 1);
  second.set('both', algorithm(3), 1);
  second.set('b', algorithm(4), 1);
  expect(second.get('a')).toEqual(algorithm(1));
  const third = openChoices(made, GPU, 1);
  expect(['a', 'b', 'both'].map((key) => third.get(key)?.[0])).toEqual([1, 4, 3]);
});

test('a damaged file counts as empty and is replaced', () => {
  const whole = { format: 1, gpu: GPU, choices: { plan: { algorithm: 'AAAA', microseconds: 1 } } };
  const damages = [
    '',
    '{"format":1,',
    'null',
    '[]',
    JSON.stringify({ ...whole, format: 2 }),
    JSON.stringify(whole),
    JSON.stringify({ ...whole, choices: { plan: null } }),
    JSON.stringify({ ...whole, choices: 5 }),
  ];
  for (const damage of damages) {
    const made = folder();
    openChoices(made, GPU, 1).set('old', algorithm(1), 1);
    writeFileSync(fileIn(made), damage);
    const choices = openChoices(made, GPU, 1);
    expect(choices.get('plan')).toBeUndefined();
    choices.set('plan', algorithm(2), 1);
    expect(openChoices(made, GPU, 1).get('plan')).toEqual(algorithm(2));
    expect(JSON.parse(readFileSync(fileIn(made), 'utf8'))).toMatchObject({ format: 1, gpu: GPU });
  }
});

test('no folder: choices live as long as the process', () => {
  const choices = openChoices('', GPU, 1);
  choices.set('plan', algorithm(1), 1);
  expect(choices.get('plan')).toEqual(algorithm(1));
  expect(choices.problem).toBe('there is no cache folder');
  expect(openChoices('', GPU, 1).get('plan')).toBeUndefined();
});

test('a folder that cannot be written keeps the run going and says why', () => {
  const made = folder();
  const file = join(made, 'file');
  writeFileSync(file, '');
  const choices = openChoices(join(file, 'below'), GPU, 1);
  choices.set('plan', algorithm(1), 1);
  expect(choices.get('plan')).toEqual(algorithm(1));
  expect(choices.problem).toMatch(/ENOTDIR|EEXIST/);

  // The place of the file is taken by a folder: nothing half written stays beside it.
  const taken = folder();
  mkdirSync(join(taken, 'cublas-lt-x-1.json'));
  const other = openChoices(taken, 'x', 1);
  other.set('plan', algorithm(1), 1);
  expect(other.problem).toBeDefined();
  expect(readdirSync(taken)).toEqual(['cublas-lt-x-1.json']);
  expect(existsSync(join(taken, 'cublas-lt-x-1.json'))).toBe(true);
});
