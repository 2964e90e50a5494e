import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cli } from './run-cli.ts';

test('help: of all, of each, and where nothing was asked', async () => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const { code, out, err } = await cli(...argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const name of ['train', 'generate', 'verify', 'inspect', 'doctor'])
      expect(out).toContain(`\n  ${name} `);
  }
  expect((await cli()).code).toBe(2);
  for (const name of ['train', 'generate', 'verify', 'inspect', 'doctor']) {
    const { code, out } = await cli(name, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`usage: .*${name} `));
    expect(out).toContain('--json');
    expect(out).toContain('--debug');
  }
});

test('train --help shows every setting with its default', async () => {
  const { out } = await cli('train', '--help');
  expect(out).toMatch(/--sparsity N +share of inputs that top-K leaves out, 0 is dense \(default 0.6\)/);
  expect(out).toMatch(/--weights ternary\|full +weights of the linear layers \(default ternary\)/);
  expect(out).toMatch(/--tied-embedding true\|false/);
  expect(out).toMatch(/--sample-prompt TEXT .*\(default "The "\)/);
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await cli('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test.each([
  [['trian'], '[qsparse] there is no command "trian"; did you mean "train"?'],
  [['quux'], '[qsparse] there is no command "quux"; see qsparse --help'],
  [['constructor'], 'there is no command "constructor"'],
  [['doctor', '--jsn'], '[doctor] there is no option --jsn, did you mean --json?'],
])('%j is wrong use: one line on standard error, exit code 2', async (argv, message) => {
  const { code, out, err } = await cli(...argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
  expect(err.trim().split('\n')).toHaveLength(1);
});

test('with --json an error is one object; with --debug it has its trace', async () => {
  const json = await cli('generate', 'nowhere', '--prompt', 'x', '--device', 'reference', '--json');
  expect(json).toMatchObject({ code: 1, out: '' });
  expect(JSON.parse(json.err)).toEqual({
    error: expect.stringContaining('[model] there is no folder nowhere'),
    code: 'value',
  });
  expect(JSON.parse((await cli('generate', '--json')).err)).toMatchObject({ code: 'usage' });
  const debug = await cli('generate', 'nowhere', '--prompt', 'x', '--device', 'reference', '--debug');
  expect(debug.err).toContain('    at ');
});
