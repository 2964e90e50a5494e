import { expect, test } from 'vitest';
import {
  type Command,
  deviceFlags,
  integerFlag,
  numberFlag,
  parseArguments,
  requiredPositional,
  UsageError,
} from '../src/command.ts';

const command: Command = {
  name: 'bake',
  usage: 'CAKE',
  summary: 'Bakes.',
  positionals: 1,
  options: {
    heat: { type: 'string', value: 'N', help: 'degrees' },
    layer: { type: 'string', multiple: true, value: 'WHAT', help: 'a layer' },
    fan: { type: 'boolean', help: 'air' },
  },
  run: async () => 0,
};
const parse = (...argv: string[]) => parseArguments(command, argv);

test('options, positionals and those that every command has', () => {
  const { flags, positionals } = parse(
    'cake',
    '--heat',
    '180',
    '--layer=a',
    '--layer',
    'b',
    '--fan',
    '--json',
  );
  expect(positionals).toEqual(['cake']);
  expect({ ...flags }).toEqual({ heat: '180', layer: ['a', 'b'], fan: true, json: true });
  expect(parse('-h').flags.help).toBe(true);
  expect(parse('--heat=-1').flags.heat).toBe('-1');
});

test.each<[string[], string]>([
  [['--haet', '180'], 'there is no option --haet, did you mean --heat?; see'],
  [['--zzzzzzzz'], 'there is no option --zzzzzzzz; see'],
  [['--haet=180'], 'there is no option --haet, did you mean --heat?'],
  [['-x'], 'there is no option -x; see'],
  [['--heat'], '--heat takes a value, got none'],
  [['--heat', '-1'], '--heat takes a value; one that begins with a dash is written --heat=-1'],
  [['--fan=yes'], "option '--fan' does not take an argument"],
  [['a', 'b'], 'at most 1 arguments are taken, got "b" too'],
])('%j is wrong use, in one line', (argv, message) => {
  expect(() => parse(...argv)).toThrow(UsageError);
  expect(() => parse(...argv)).toThrow(`[bake] ${message}`);
  expect(() => parse(...argv)).toThrow(/see .*bake --help$/);
  expect(() => parse(...argv)).not.toThrow(/\n/);
});

test('numbers from flags', () => {
  expect(integerFlag('bake', 'heat', '180')).toBe(180);
  expect(integerFlag('bake', 'heat', undefined)).toBeUndefined();
  expect(numberFlag('bake', 'heat', '1.5e2')).toBe(150);
  for (const text of ['', 'x', '1.5', '-1', '1e99', 'Infinity'])
    expect(() => integerFlag('bake', 'heat', text)).toThrow(
      `[bake] --heat must be a whole number of at least 0, got "${text}"`,
    );
  for (const text of ['', 'x', 'NaN', 'Infinity'])
    expect(() => numberFlag('bake', 'heat', text)).toThrow(`[bake] --heat must be a number, got "${text}"`);
  expect(() => integerFlag('bake', 'heat', '0', { min: 1 })).toThrow('of at least 1, got "0"');
});

test('devices by name', () => {
  const flags = (given: Record<string, string>) => deviceFlags('bake', { positionals: [], flags: given });
  expect(flags({})).toEqual({ device: 'auto', threads: undefined });
  expect(flags({ device: 'cpu', threads: '2' })).toEqual({ device: 'cpu', threads: 2 });
  expect(() => flags({ device: 'referense' })).toThrow(
    'there is no device "referense"; did you mean reference?',
  );
  expect(() => flags({ device: 'quantum' })).toThrow('choose one of auto, cuda, webgpu, cpu, reference');
  expect(() => flags({ device: '' })).toThrow(UsageError);
  expect(() => flags({ threads: '0' })).toThrow('--threads must be a whole number of at least 1, got "0"');
});

test('a missing or empty positional is named, with the usage', () => {
  for (const positionals of [[], ['']]) {
    const read = () => requiredPositional(command, { positionals, flags: {} }, 'the cake');
    expect(read).toThrow(UsageError);
    expect(read).toThrow(/^\[bake\] the cake is missing; usage: .*bake CAKE$/);
  }
});
