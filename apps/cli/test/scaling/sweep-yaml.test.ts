import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readSweepYaml } from '../../src/scaling/sweep-yaml.ts';
import { temporaryFolder } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const path = join(folder.path, 'grid.yaml');
const read = (text: string) => {
  writeFileSync(path, text);
  return readSweepYaml(path);
};
const SIZES = 'sizes:\n  s: { width: 32, heads: 2, kv-heads: 1 }\n  m: { width: 64 }\n';

describe('sweep.yaml', () => {
  test('is every combination, in the order of the file', async () => {
    const sweep = await read(
      `preset: tiny\ndata: [a.txt]\nsettings: { steps: 10, width: 16 }\n${SIZES}variants: [full, ternary]\nsparsities: [0, 0.5, 16:32]\nseeds: [1, 2]\n`,
    );
    expect(sweep.cells).toHaveLength(2 * 2 * 3 * 2);
    expect(sweep.data).toEqual([join(folder.path, 'a.txt')]);
    expect(sweep.cells[0]).toEqual({
      id: 's-full-0-seed1',
      size: 's',
      variant: 'full',
      sparsity: '0',
      seed: 1,
      settings: {
        'sample-every': 0,
        steps: 10,
        width: 32,
        heads: 2,
        'kv-heads': 1,
        weights: 'full',
        activations: 'full',
        'sub-layer-norms': false,
        sparsity: 0,
        seed: 1,
      },
    });
    expect(sweep.cells.at(-1)).toMatchObject({
      id: 'm-ternary-16of32-seed2',
      settings: { block: '16:32', weights: 'ternary' },
    });
  });

  test('variants of one own, the novels as usual text', async () => {
    const { cells, data } = await read(
      `${SIZES}sparsities: [0.4]\nvariants:\n  relu: { activation: silu, learning-rate: 1e-3 }\n`,
    );
    expect(data).toEqual(['bundled']);
    expect(cells[0]).toMatchObject({
      variant: 'relu',
      settings: { activation: 'silu', 'learning-rate': 1e-3 },
    });
  });

  test.each([
    [`${SIZES}sparsitys: [0]`, 'unknown key "sparsitys"; did you mean "sparsities"?'],
    ['sparsities: [0]', 'grid.yaml:1: sizes must be a map of names to settings'],
    [
      `${SIZES}sparsities: [1]`,
      'grid.yaml:4: sparsities must be a list of shares from 0 to below 1, or KEEP:BLOCK, got [1]',
    ],
    [`${SIZES}sparsities: []`, 'sparsities must be a list'],
    [`${SIZES}sparsities: [0]\nseeds: [0.5]`, 'seeds must be a list of whole numbers'],
    [`${SIZES}sparsities: [0]\nvariants: [ful]`, 'variants must be full, ternary, or a map'],
    [
      'sizes:\n  s:\n    width: 32\n    widht: 2\nsparsities: [0]',
      'grid.yaml:4] there is no setting "widht"; did you mean "width"?',
    ],
    [`${SIZES}sparsities: [0]\nsettings: { steps: many }`, 'grid.yaml:5] steps must be a whole number'],
    [
      'sizes: { s: { width: 30, heads: 4 } }\nsparsities: [0]',
      's-full-0-seed1: width must be a multiple of heads, got 30 and 4',
    ],
    [`${SIZES}sparsities: [16:48]`, 's-full-16of48-seed1: width must be a multiple of the block 16:48'],
    [`${SIZES}sparsities: [0, 0]`, 'the grid has s-full-0-seed1 twice'],
    ['sizes: { a/b: {} }\nsparsities: [0]', 'names must be letters, digits'],
    ['sizes: [', 'grid.yaml:1:'],
    ['- 1', 'the file must hold lines of "key: value"'],
    [`${SIZES}sparsities: [0]\npreset: huge`, 'there is no preset "huge"'],
  ])('%j is refused', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
