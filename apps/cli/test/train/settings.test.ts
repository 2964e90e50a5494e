import { expect, test } from 'vitest';
import { UsageError } from '../../src/command.ts';
import { PRESETS } from '../../src/train/presets.ts';
import {
  mergeSettings,
  parseSetting,
  presetSettings,
  SETTINGS,
  SettingError,
  settingOptions,
} from '../../src/train/settings.ts';

test.each<[string, unknown, unknown]>([
  ['layers', '3', 3],
  ['layers', 3, 3],
  ['learning-rate', '2e-3', 0.002],
  ['sparsity', '0', 0],
  ['sparsity', 0.999, 0.999],
  ['tied-embedding', 'false', false],
  ['tied-embedding', true, true],
  ['weights', 'full', 'full'],
  ['sample-prompt', '', ''],
  ['warmup', '0', 0],
])('%s takes %j', (name, value, expected) => {
  expect(parseSetting(name, value, 'here')).toBe(expected);
});

test.each<[string, unknown, string]>([
  ['layers', '0', 'layers must be a whole number of at least 1, got "0"'],
  ['layers', 1.5, 'layers must be a whole number of at least 1, got 1.5'],
  ['layers', '', 'layers must be a whole number of at least 1, got ""'],
  ['layers', null, 'layers must be a whole number of at least 1, got null'],
  ['layers', true, 'got true'],
  ['layers', [1], 'got [1]'],
  ['sparsity', 1, 'sparsity must be a number of at least 0 and below 1, got 1'],
  ['sparsity', -0.1, 'sparsity must be a number of at least 0 and below 1, got -0.1'],
  ['sparsity', Number.NaN, 'sparsity must be a number of at least 0 and below 1'],
  ['learning-rate', '0', 'learning-rate must be a number above 0, got "0"'],
  ['learning-rate', 'Infinity', 'learning-rate must be a number above 0'],
  ['validation', '0.9', 'validation must be a number from 0.0001 to 0.5, got "0.9"'],
  ['vocabulary', '256', 'vocabulary must be a whole number of at least 257, got "256"'],
  ['weights', 'binary', 'weights must be one of ternary, full, got "binary"'],
  ['tied-embedding', 'yes', 'tied-embedding must be true or false, got "yes"'],
  ['block', 16, 'block must be text, got 16'],
  ['layrs', 1, 'there is no setting "layrs"; did you mean "layers"?'],
  ['zzzzzzzzz', 1, 'there is no setting "zzzzzzzzz"; see train --help'],
  ['constructor', 1, 'there is no setting "constructor"'],
])('%s refuses %j', (name, value, message) => {
  expect(() => parseSetting(name, value, 'run.yaml:3')).toThrow(SettingError);
  expect(() => parseSetting(name, value, 'run.yaml:3')).toThrow(UsageError);
  expect(() => parseSetting(name, value, 'run.yaml:3')).toThrow('[run.yaml:3] ');
  expect(() => parseSetting(name, value, 'run.yaml:3')).toThrow(message);
});

test('a flag is named as it was written', () => {
  expect(() => parseSetting('layers', 'x', 'train', '--layers')).toThrow('[train] --layers must be');
});

test('a later source wins; sparsity and block end each other, and exclude each other in one source', () => {
  const base = presetSettings('tiny');
  expect(mergeSettings(base, { layers: 9 }, 'x')).toEqual({ ...base, layers: 9 });
  const blocks = mergeSettings(base, { block: '16:32' }, 'x');
  expect(blocks.block).toBe('16:32');
  expect(mergeSettings(blocks, { sparsity: 0 }, 'x')).toMatchObject({ sparsity: 0, block: '' });
  expect(mergeSettings(blocks, { layers: 2 }, 'x').block).toBe('16:32');
  expect(() => mergeSettings(base, { sparsity: 0.5, block: '16:32' }, 'run.yaml:2')).toThrow(
    '[run.yaml:2] sparsity and block exclude each other, got 0.5 and 16:32',
  );
});

test('every preset is made of settings that exist and fit', () => {
  for (const [name, { settings }] of Object.entries(PRESETS)) {
    for (const [key, value] of Object.entries(settings)) expect(parseSetting(key, value, name)).toBe(value);
    expect(Object.keys(presetSettings(name)).sort()).toEqual(Object.keys(SETTINGS).sort());
  }
  expect(() => presetSettings('tny')).toThrow('there is no preset "tny"; did you mean tiny?');
  expect(() => presetSettings('enormous')).toThrow('choose one of tiny');
  expect(() => presetSettings('constructor')).toThrow(SettingError);
});

test('every default is a value that its own rule takes, and every setting is an option', () => {
  for (const [name, { default: value }] of Object.entries(SETTINGS))
    expect(parseSetting(name, value, 'default')).toBe(value);
  expect(Object.keys(settingOptions())).toEqual(Object.keys(SETTINGS));
});
