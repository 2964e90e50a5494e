/**
 * sweep.yaml: a grid of training runs. Every combination of size, variant, sparsity and seed is one run of `qsparse
 * train`; what a part of the grid says wins over `settings`, those over the preset.
 */
import { dirname, resolve } from 'node:path';
import { rejectUnknown } from '@qsparse/formats';
import { readFileBytes } from '@qsparse/formats/node';
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { BUNDLED } from '../train/corpus.ts';
import { decoderConfig } from '../train/model.ts';
import { DEFAULT_PRESET } from '../train/presets.ts';
import { PATHS } from '../train/run-yaml.ts';
import {
  mergeSettings,
  parseSetting,
  presetSettings,
  SettingError,
  type SomeSettings,
} from '../train/settings.ts';
import { ScalingInputError } from './csv.ts';

/** One run of the grid. */
export interface Cell {
  /** Also the name of its folder. */
  readonly id: string;
  readonly size: string;
  readonly variant: string;
  /** As the file has it: a share, or `KEEP:BLOCK`. */
  readonly sparsity: string;
  readonly seed: number;
  /** What the file says of this run; the rest is the preset's. */
  readonly settings: SomeSettings;
}

export interface Sweep {
  readonly preset: string;
  /** Files, absolute or `bundled`. */
  readonly data: readonly string[];
  /** In the order in which they are trained. */
  readonly cells: readonly Cell[];
}

/** Variants that can be named without saying what they are. */
const KNOWN_VARIANTS: Readonly<Record<string, SomeSettings>> = {
  full: { weights: 'full', activations: 'full', 'sub-layer-norms': false },
  ternary: { weights: 'ternary', activations: 'int8', 'sub-layer-norms': true },
};

/** Sample texts cost time and are read by nobody. */
const QUIET: SomeSettings = { 'sample-every': 0 };
const KEYS = ['preset', 'data', 'settings', 'sizes', 'variants', 'sparsities', 'seeds'];
/** Folders on every system. */
const NAME = /^[\w.+-]+$/;

/** Throws SettingError or ScalingInputError with file and line; FileError where it cannot be read. */
export async function readSweepYaml(path: string): Promise<Sweep> {
  const reader = await openYaml(path);
  const { root, fail } = reader;
  rejectUnknown(Object.keys(root), KEYS, path);
  const { preset = DEFAULT_PRESET } = root as { preset?: unknown };
  if (typeof preset !== 'string') throw fail('preset', 'preset must be a name', preset);
  const common = reader.settings(root.settings ?? {}, ['settings']);
  const sizes = reader.named('sizes', root.sizes);
  const variants = variantsOf(reader);
  const sparsities = reader.list(
    'sparsities',
    root.sparsities,
    isSparsity,
    'shares from 0 to below 1, or KEEP:BLOCK',
  );
  const seeds = reader.list('seeds', root.seeds ?? [1], isSeed, 'whole numbers of at least 0');
  const cells = Object.entries(sizes).flatMap(([size, ofSize]) =>
    Object.entries(variants).flatMap(([variant, ofVariant]) =>
      sparsities.flatMap((sparsity) =>
        seeds.map((seed): Cell => {
          const chosen = typeof sparsity === 'number' ? { sparsity } : { block: sparsity };
          const settings = { ...QUIET, ...common, ...ofSize, ...ofVariant, ...chosen, seed };
          const shown = String(sparsity);
          const id = [size, variant, shown.replace(':', 'of'), `seed${seed}`].join('-');
          return { id, size, variant, sparsity: shown, seed, settings };
        }),
      ),
    ),
  );
  checkCells(path, preset, cells);
  return { preset, data: dataOf(reader, path), cells };
}

/** What cannot be built fails here, before anything is trained. */
function checkCells(path: string, preset: string, cells: readonly Cell[]): void {
  const twice = cells.find(({ id }, i) => cells.findIndex((cell) => cell.id === id) !== i);
  if (twice) throw new ScalingInputError(path, `the grid has ${twice.id} twice`, 'list every value once');
  for (const { id, settings } of cells) {
    try {
      const resolved = mergeSettings(presetSettings(preset), settings, path);
      // A base model brings its own shapes.
      if (resolved.init === '') decoderConfig(resolved, Math.max(resolved.vocabulary, 257));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new SettingError(`[${path}] ${id}: ${error.message.replace(/^\[[^\]]*\] /, '')}`);
    }
  }
}

function variantsOf(reader: YamlReader): Readonly<Record<string, SomeSettings>> {
  const { root, fail } = reader;
  const { variants = ['full'] } = root;
  if (!Array.isArray(variants)) return reader.named('variants', variants);
  const names = reader.list('variants', variants, (name) => typeof name === 'string', 'names');
  const wrong = names.find((name) => !Object.hasOwn(KNOWN_VARIANTS, name));
  if (wrong !== undefined)
    throw fail(
      'variants',
      `variants must be ${Object.keys(KNOWN_VARIANTS).join(', ')}, or a map of names to settings`,
      wrong,
    );
  return Object.fromEntries(names.map((name) => [name, KNOWN_VARIANTS[name]!]));
}

function dataOf({ root, fail }: YamlReader, path: string): readonly string[] {
  const { data = [BUNDLED] } = root;
  const files = Array.isArray(data) ? data : [data];
  if (files.length === 0 || !files.every((file): file is string => typeof file === 'string' && file !== ''))
    throw fail('data', 'data must be a list of files', data);
  return files.map((file) => (file === BUNDLED ? BUNDLED : resolve(dirname(path), file)));
}

const isSparsity = (value: unknown): value is number | string =>
  typeof value === 'number' ? value >= 0 && value < 1 : typeof value === 'string' && /^\d+:\d+$/.test(value);
const isSeed = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

interface YamlReader {
  readonly root: Readonly<Record<string, unknown>>;
  /** With the line of the key. */
  fail(key: string, what: string, got: unknown): ScalingInputError;
  /** Parses every setting of a map; `at` are the keys that lead to it. */
  settings(value: unknown, at: readonly string[]): SomeSettings;
  /** Maps of settings by name. */
  named(key: string, value: unknown): Readonly<Record<string, SomeSettings>>;
  list<T>(key: string, value: unknown, holds: (item: unknown) => item is T, what: string): readonly T[];
}

async function openYaml(path: string): Promise<YamlReader> {
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(await readFileBytes(path)), { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    const [reason = ''] = problem.message.split(/:?\n| at line/);
    throw new ScalingInputError(`${path}:${line}:${col}`, reason, 'correct the YAML');
  }
  const { contents } = document;
  if (!isMap(contents))
    throw new ScalingInputError(`${path}:1`, 'the file must hold lines of "key: value"', 'correct it');
  const placeOf = (at: readonly string[]): string => {
    let node: unknown = contents;
    let line = 1;
    for (const key of at) {
      if (!isMap(node)) break;
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (!pair) break;
      const { range } = pair.key as Node;
      if (range) ({ line } = lines.linePos(range[0]));
      node = pair.value;
    }
    return `${path}:${line}`;
  };
  const root = plainOf(contents, () => document.toJS() as unknown, path);
  const fail = (key: string, what: string, got: unknown): ScalingInputError =>
    new ScalingInputError(placeOf([key]), `${what}, got ${JSON.stringify(got)?.slice(0, 60)}`, 'correct it');
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const settings = (value: unknown, at: readonly string[]): SomeSettings => {
    if (!isRecord(value))
      throw new ScalingInputError(
        placeOf(at),
        `${at.join('.')} must be settings of qsparse train, "key: value", got ${JSON.stringify(value)?.slice(0, 60)}`,
        'correct it',
      );
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        const parsed = parseSetting(name, one, placeOf([...at, name]));
        const isPath = PATHS.includes(name) && typeof parsed === 'string' && parsed !== '';
        return [name, isPath ? resolve(dirname(path), parsed) : parsed];
      }),
    );
  };
  return {
    root,
    fail,
    settings,
    named(key, value) {
      if (!isRecord(value) || Object.keys(value).length === 0)
        throw fail(key, `${key} must be a map of names to settings, such as "small: { layers: 4 }"`, value);
      const wrong = Object.keys(value).find((name) => !NAME.test(name));
      if (wrong !== undefined) throw fail(key, 'names must be letters, digits, . + _ and -', wrong);
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, settings(one ?? {}, [key, name])]),
      );
    },
    list<T>(key: string, value: unknown, holds: (item: unknown) => item is T, what: string) {
      const items: readonly unknown[] = Array.isArray(value) ? value : [];
      if (items.length > 0 && items.every((item) => holds(item))) return items as readonly T[];
      throw fail(key, `${key} must be a list of ${what}`, value);
    },
  };
}

/** An alias that explodes, or leads nowhere, is an error here. */
function plainOf(contents: unknown, toPlain: () => unknown, path: string): Readonly<Record<string, unknown>> {
  if (!isNode(contents) || isSeq(contents)) return {};
  try {
    return toPlain() as Record<string, unknown>;
  } catch (error) {
    throw new ScalingInputError(
      path,
      error instanceof Error ? error.message : String(error),
      'correct the YAML',
    );
  }
}
