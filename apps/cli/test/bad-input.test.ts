/** Files that are damaged, that lie, or that are something else: one clear line, exit code 1, and memory for what is there alone. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createByteTokenizer } from '@qsparse/data';
import { formatTokenizerJson } from '@qsparse/formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { saveChatModel } from './chat/chat-model.ts';
import { cli, type Ended, temporaryFolder } from './run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const good = join(folder.path, 'good');
let gguf: Buffer;
beforeAll(async () => {
  await saveChatModel(good);
  const file = join(folder.path, 'good.gguf');
  const source = join(folder.path, 'llama');
  // A model that llama.cpp knows.
  cpSync(good, source, { recursive: true });
  replace(source, 'config.json', '"hidden_act": "relu2"', '"hidden_act": "silu"');
  expect(await cli('export', source, file, '--format', 'gguf')).toMatchObject({ err: '', code: 0 });
  gguf = readFileSync(file);
});

const PAGE = '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>\n</body></html>\n';
const weights = (path: string) => join(path, 'model.safetensors');

/** Changes the header of a safetensors file as text, and its length with it. */
function editHeader(
  path: string,
  edit: (header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>) => void,
): void {
  const bytes = readFileSync(weights(path));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  edit(header);
  const text = Buffer.from(JSON.stringify(header).padEnd(length));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(weights(path), Buffer.concat([size, text, bytes.subarray(8 + length)]));
}

function setLength(path: string, length: bigint): void {
  const bytes = readFileSync(weights(path));
  bytes.writeBigUInt64LE(length, 0);
  writeFileSync(weights(path), bytes);
}

function replace(path: string, name: string, from: string | RegExp, to: string): void {
  const file = join(path, name);
  const text = readFileSync(file, 'utf8');
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(file, text.replace(from, to));
}

/** The weights as two shards by an index, of which the second one holds the head. */
function shard(path: string): void {
  const bytes = readFileSync(weights(path));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8')) as Record<string, unknown>;
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  const shardOf = (name: string) => `model-0000${name === 'lm_head.weight' ? 2 : 1}-of-00002.safetensors`;
  const weight_map = Object.fromEntries(names.map((name) => [name, shardOf(name)]));
  writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
  renameSync(weights(path), join(path, 'model-00001-of-00002.safetensors'));
}

function expectOneLine({ code, out, err }: Ended, ...texts: readonly string[]): void {
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(err.length).toBeLessThan(600);
  for (const text of [...texts, '[']) expect(err).toContain(text);
  expect(err).not.toContain('unexpected failure');
}

const cases: readonly [string, (path: string) => void, ...string[]][] = [
  ['a header of 4 EiB', (path) => setLength(path, 2n ** 62n), 'model.safetensors'],
  ['a header longer than the file', (path) => setLength(path, 2n ** 26n), 'model.safetensors'],
  ['a header shorter than it is', (path) => setLength(path, 100n), 'model.safetensors'],
  ['an empty file', (path) => truncateSync(weights(path), 0), 'model.safetensors'],
  ['weights cut off in the header', (path) => truncateSync(weights(path), 200), 'model.safetensors'],
  ['weights cut off in the data', (path) => truncateSync(weights(path), 9000), 'model.safetensors'],
  [
    'a tensor beyond the end',
    (path) => editHeader(path, (header) => (header['lm_head.weight']!.data_offsets[1] = 2 ** 50)),
    'model.safetensors',
    'lm_head.weight',
  ],
  [
    'a shape that is not its size',
    (path) => editHeader(path, (header) => (header['lm_head.weight']!.shape = [2 ** 26, 2 ** 26])),
    'model.safetensors',
    'lm_head.weight',
  ],
  [
    'a dtype that is none',
    (path) => editHeader(path, (header) => (header['lm_head.weight']!.dtype = 'F31')),
    'model.safetensors',
    'lm_head.weight',
    'F31',
  ],
  [
    'a tensor that is missing',
    (path) =>
      editHeader(path, (header) => {
        header['lm_heat.weight'] = header['lm_head.weight']!;
        delete header['lm_head.weight'];
      }),
    'model.safetensors',
    'lm_head.weight',
  ],
  ['a shard that is missing', (path) => shard(path), 'model-00002-of-00002.safetensors'],
  [
    'a shard without its tensor',
    (path) => {
      shard(path);
      cpSync(join(path, 'model-00001-of-00002.safetensors'), join(path, 'model-00002-of-00002.safetensors'));
    },
    'model-0000',
    'weight',
  ],
  [
    'an index that leads out of the folder',
    (path) => {
      shard(path);
      replace(path, 'model.safetensors.index.json', /model-00002-of-00002/g, '../../etc/passwd');
    },
    'model.safetensors.index.json',
  ],
  [
    'a tokenizer with more ids than the embedding has rows',
    (path) => replace(path, 'config.json', '"vocab_size": 261', '"vocab_size": 260'),
    'tokenizer.json',
    '261 ids',
  ],
  [
    'a config of another shape',
    (path) => replace(path, 'config.json', '"intermediate_size": 16', '"intermediate_size": 24'),
    'model.safetensors',
    'must have shape [24, 8], got [16, 8]',
  ],
  [
    'a config of absurd size',
    (path) => replace(path, 'config.json', '"num_hidden_layers": 1', '"num_hidden_layers": 1000000000'),
    'config.json',
  ],
  [
    'a config with a number for a text',
    (path) => replace(path, 'config.json', '"hidden_size": 8', '"hidden_size": "8"'),
    'config.json',
    'hidden_size',
  ],
  ...['config.json', 'tokenizer.json', 'model.safetensors'].map(
    (name) =>
      [`a page saved as ${name}`, (path: string) => writeFileSync(join(path, name), PAGE), name] as [
        string,
        (path: string) => void,
        string,
      ],
  ),
  [
    'a page saved as the index',
    (path) => {
      rmSync(weights(path));
      writeFileSync(join(path, 'model.safetensors.index.json'), PAGE);
    },
    'model.safetensors.index.json',
  ],
  [
    'a folder in place of a file',
    (path) => {
      rmSync(join(path, 'config.json'));
      mkdirSync(join(path, 'config.json'));
    },
    'config.json',
    'it is a folder',
  ],
  [
    'a link that leads to itself',
    (path) => {
      rmSync(join(path, 'config.json'));
      symlinkSync('config.json', join(path, 'config.json'));
    },
    'config.json',
  ],
];

describe.each(['generate', 'serve'])('%s', (command) => {
  const options = command === 'generate' ? ['--prompt', 'a', '--max-tokens', '1'] : ['--port', '0'];
  test.each(cases)('%s', async (_, damage, ...texts) => {
    const path = mkdtempSync(join(folder.path, 'damaged-'));
    cpSync(good, path, { recursive: true });
    damage(path);
    const before = process.memoryUsage().arrayBuffers;
    expectOneLine(await cli(command, path, '--device', 'reference', ...options), ...texts);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
    rmSync(path, { recursive: true });
  });
});

test.runIf(process.getuid?.() !== 0)('a folder that may not be read', async () => {
  const path = mkdtempSync(join(folder.path, 'locked-'));
  cpSync(good, path, { recursive: true });
  chmodSync(path, 0);
  expectOneLine(await cli('generate', path, '--device', 'reference', '--prompt', 'a'), path);
  chmodSync(path, 0o700);
});

test('a file in place of a folder, and a folder that is not there', async () => {
  const file = join(good, 'config.json');
  for (const path of [file, join(file, 'more'), join(folder.path, 'nothing')])
    expectOneLine(await cli('generate', path, '--device', 'reference', '--prompt', 'a'), path);
});

test('a tokenizer with fewer ids than the embedding has rows is taken, since models are padded; an id without a token is said', async () => {
  const path = join(folder.path, 'padded');
  cpSync(good, path, { recursive: true });
  writeFileSync(join(path, 'tokenizer.json'), formatTokenizerJson(createByteTokenizer().toJson()));
  // Among so many tokens of a random model some are of the rows without a token.
  const flags = ['--device', 'reference', '--prompt', 'a', '--temperature', '2'];
  expect(await cli('generate', path, ...flags, '--max-tokens', '1')).toMatchObject({ code: 0, err: '' });
  const { code, err } = await cli('generate', path, ...flags, '--max-tokens', '2000');
  expect(code).toBe(1);
  expect(err).toMatch(/^\[decode\] .*the model has more rows than the vocabulary has tokens\n$/);
});

describe('GGUF', () => {
  const file = join(folder.path, 'damaged.gguf');
  const generate = async (bytes: Uint8Array): Promise<Ended> => {
    writeFileSync(file, bytes);
    return cli('generate', file, '--device', 'reference', '--prompt', 'a', '--max-tokens', '1');
  };
  const lie = (at: number, value: bigint): Uint8Array => {
    const bytes = Buffer.from(gguf);
    bytes.writeBigUInt64LE(value, at);
    return bytes;
  };

  test('is read where it is whole', async () => {
    expect(await generate(gguf)).toMatchObject({ code: 0, err: '' });
  });
  test.each<[string, () => Uint8Array, ...string[]]>([
    ['a page', () => Buffer.from(PAGE)],
    ['nothing', () => new Uint8Array()],
    ['the magic alone', () => gguf.subarray(0, 4)],
    ['cut off in the header', () => gguf.subarray(0, 500)],
    ['cut off in the data', () => gguf.subarray(0, gguf.length - 100), 'tensor'],
    ['2^60 tensors', () => lie(8, 2n ** 60n)],
    ['2^60 keys', () => lie(16, 2n ** 60n)],
    ['a key of 2^60 bytes', () => lie(24, 2n ** 60n)],
  ])('%s', async (_, make, ...texts) => {
    const before = process.memoryUsage().arrayBuffers;
    expectOneLine(await generate(make()), 'damaged.gguf', ...texts);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  });
});

describe('damage at any place of a header: what is there is shown, or one line', () => {
  /** The same numbers in every run. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }
  test.each<[string, () => Buffer, (bytes: Buffer) => string]>([
    [
      'safetensors',
      () => readFileSync(weights(good)),
      (bytes) => {
        writeFileSync(join(folder.path, 'fuzz.safetensors'), bytes);
        return join(folder.path, 'fuzz.safetensors');
      },
    ],
    [
      'GGUF',
      () => gguf,
      (bytes) => {
        writeFileSync(join(folder.path, 'fuzz.gguf'), bytes);
        return join(folder.path, 'fuzz.gguf');
      },
    ],
  ])('%s', async (_, read, write) => {
    const valid = read();
    const below = random(42);
    let refused = 0;
    for (let i = 0; i < 150; i++) {
      let bytes = Buffer.from(valid);
      const changes = 1 + below(3);
      for (let j = 0; j < changes; j++) {
        const at = below(Math.min(2000, bytes.length - 8));
        const kind = below(4);
        if (kind === 0) bytes[at] = below(256);
        else if (kind === 1) bytes.writeBigUInt64LE(2n ** BigInt(below(64)), at);
        else if (kind === 2)
          bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(40))]);
        else bytes = bytes.subarray(0, at + 8);
        if (bytes.length < 16) bytes = Buffer.from(valid);
      }
      const ended = await cli('inspect', write(bytes));
      if (ended.code === 0) expect(ended.err).toBe('');
      else expectOneLine(ended, 'fuzz.');
      refused += ended.code;
    }
    expect(refused).toBeGreaterThan(50);
  });
});
