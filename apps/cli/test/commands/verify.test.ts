import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cli } from '../run-cli.ts';

const golden = fileURLToPath(new URL('../fixtures/goldens/qsparse-block-2-4', import.meta.url));

test('a table for people, an object for programs, exit code 0', async () => {
  const words = await cli('verify', golden, '--device', 'reference');
  expect(words).toMatchObject({ code: 0, err: '' });
  expect(words.out).toContain(`${golden} on reference: largest relative errors; float64`);
  expect(words.out).toMatch(/\nlogits +\d\.\d\de[+-]\d+ {2}<= 1e-5 {2}pass\n/);
  expect(words.out).toMatch(/\nall \d+ pass\n$/);
  const json = await cli('verify', golden, '--device', 'reference', '--json');
  expect(JSON.parse(json.out)).toMatchObject({ device: 'reference', pass: true, folder: golden });
  expect(json.out.trim().split('\n')).toHaveLength(1);
});

test.each<[string[], number, string]>([
  [[], 2, 'the golden folder is missing'],
  [['nowhere'], 1, 'nowhere/golden.json: there is no such file'],
  [
    [golden, '--device', 'abacus'],
    2,
    'there is no device "abacus"; choose one of auto, cuda, webgpu, cpu, reference',
  ],
])('%j is refused', async (argv, code, message) => {
  const ended = await cli(
    'verify',
    ...(argv.includes('--device') ? argv : [...argv, '--device', 'reference']),
  );
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toContain(message);
});
