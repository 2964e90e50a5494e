import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '@qsparse/formats/node';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { BUNDLED } from '../../src/train/corpus.ts';
import { formatRunYaml, readRunYaml } from '../../src/train/run-yaml.ts';
import { mergeSettings, presetSettings, SettingError } from '../../src/train/settings.ts';
import { temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, 'run.yaml');
const read = (text: string, preset?: string) => {
  writeFileSync(path, text);
  return readRunYaml(path, preset);
};
const tiny = presetSettings('tiny');

test('settings, data and preset; what is not named is as in the preset', async () => {
  expect(await read('layers: 2\nsparsity: 0.5\ntied-embedding: false\n')).toEqual({
    own: { preset: undefined, settings: { layers: 2, sparsity: 0.5, 'tied-embedding': false } },
    preset: 'tiny',
    data: undefined,
    settings: { ...tiny, layers: 2, sparsity: 0.5, 'tied-embedding': false },
  });
  expect((await read('')).settings).toEqual(tiny);
  expect((await read('# nothing yet\n')).settings).toEqual(tiny);
  expect((await read('block: 16:32\n')).settings.block).toBe('16:32');
});

test('files are relative to the run.yaml', async () => {
  const { data } = await read('data:\n  - a.txt\n  - /b/c.txt\n  - bundled\n');
  expect(data).toEqual([join(folder.path, 'a.txt'), '/b/c.txt', BUNDLED]);
  expect((await read('data: one.txt\n')).data).toEqual([join(folder.path, 'one.txt')]);
});

test('what a run writes gives the same settings again', async () => {
  const settings = fc.record({
    'sample-prompt': fc.string({ minLength: 1 }),
    'learning-rate': fc.double({ min: 1e-9, max: 1, noNaN: true }),
    seed: fc.maxSafeNat(),
    'tied-embedding': fc.boolean(),
    block: fc.constantFrom('', '16:32', '2:4'),
  });
  const property = fc.asyncProperty(settings, async (some) => {
    const all = mergeSettings(tiny, some, 'test');
    const { data, settings: again } = await read(formatRunYaml(all, ['/x y/ü: z.txt', BUNDLED]));
    expect(data).toEqual(['/x y/ü: z.txt', BUNDLED]);
    expect(again).toEqual(all);
  });
  await fc.assert(property, { numRuns: 50 });
});

test('of the two that exclude each other the one that acts is written', () => {
  expect(formatRunYaml(tiny, [])).toContain('\nsparsity: 0.6\n');
  expect(formatRunYaml(tiny, [])).not.toContain('block');
  expect(formatRunYaml({ ...tiny, block: '16:32' }, [])).not.toContain('sparsity:');
});

test.each<[string, string, number, string]>([
  [
    'an unknown key',
    '# a run\nlayers: 2\nlayrs: 3\n',
    3,
    'there is no setting "layrs"; did you mean "layers"?',
  ],
  [
    'a wrong value',
    'layers: 2\n\nwidth: wide\n',
    3,
    'width must be a whole number of at least 1, got "wide"',
  ],
  ['no value', 'layers:\n', 1, 'layers must be a whole number of at least 1, got null'],
  ['a map for a value', 'layers:\n  a: 1\n', 1, 'layers must be a whole number of at least 1, got {"a":1}'],
  ['a key twice', 'layers: 2\nlayers: 3\n', 2, 'Map keys must be unique'],
  ['both selections', 'block: 16:32\nsparsity: 0.5\n', 1, 'sparsity and block exclude each other'],
  [
    'data that is no list of files',
    'layers: 1\ndata: [1, 2]\n',
    2,
    'data must be a list of files, got [1,2]',
  ],
  ['no data', 'data: []\n', 1, 'data must be a list of files, got []'],
  ['a preset that is no name', 'preset: 3\n', 1, 'preset must be a name, got 3'],
  ['a list', '- layers\n', 1, 'the file must hold lines of "key: value"'],
  ['broken syntax', 'layers: 2\nwidth: [1, 2\n', 3, 'correct the YAML'],
  ['a tab', 'layers: 2\n\twidth: 3\n', 2, 'correct the YAML'],
  ['a binary file', '\u0000\u0001\u0002', 1, ''],
])('%s is refused with file and line', async (_, text, line, message) => {
  const error = await read(text).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SettingError);
  expect((error as Error).message).toMatch(new RegExp(`^\\[${path}:${line}[\\]:]`));
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).not.toContain('\n');
});

test('whatever the file holds, it is settings or one line about it', async () => {
  const key = fc.oneof(
    fc.constantFrom('layers', 'data', 'preset', 'block', 'sparsity', '__proto__', '? a', '&a'),
    fc.string(),
  );
  const value = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('*a', '&a 1', '!!binary x', '{a: *a}', '[[[', '|', '<<: 1'),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.tuple(key, value).map(([k, v]) => `${k}: ${v}`)).map((lines) => lines.join('\n')),
  );
  const property = fc.asyncProperty(text, async (content) => {
    const error = await read(content).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return;
    expect(error).toBeInstanceOf(SettingError);
    expect((error as Error).message).not.toMatch(/[\n\r]/);
  });
  await fc.assert(property, { numRuns: 500 });
});

test('aliases that explode, and keys of the language, are refused', async () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...['b', 'c', 'd', 'e', 'f'].map((name, i) => `${name}: &${name} [${`*${'abcdef'[i]},`.repeat(9)}]`),
  ];
  await expect(read(bomb.join('\n'))).rejects.toThrow(SettingError);
  await expect(read('__proto__: {layers: 1}\n')).rejects.toThrow('there is no setting "__proto__"');
});

test('a preset that does not exist, and a file that is not there', async () => {
  await expect(read('preset: tyni\n')).rejects.toThrow('there is no preset "tyni"');
  await expect(read('preset: tyni\n', 'tiny')).resolves.toMatchObject({ preset: 'tiny' });
  await expect(readRunYaml(join(folder.path, 'missing.yaml'))).rejects.toThrow(FileError);
  await expect(readRunYaml(folder.path)).rejects.toThrow('it is a folder');
});
