// Puts a newly trained model in the place of the one in this package, with the numbers of its run in card.json and README.md:
//   node packages/showcase/scripts/replace-model.mjs FOLDER
// FOLDER holds model/ (as `qsparse export --format qsparse` writes it) and what the run left: metrics.jsonl, run.yaml, train.txt,
// test.jsonl, test-text.txt (which text that was, in one line), samples.txt, or showcase.tar.xz with these. The command line must
// be built. Nothing is changed unless all is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const command = join(here, '../../apps/cli/dist/main.js');
/** All that `src/index.ts` names. */
const FILES = ['config.json', 'tokenizer.json', 'model.safetensors'];
const REPORTS = ['metrics.jsonl', 'run.yaml', 'train.txt', 'test.jsonl', 'test-text.txt', 'samples.txt'];

const [folder] = process.argv.slice(2);
if (!folder) fail('a folder is required; usage: node packages/showcase/scripts/replace-model.mjs FOLDER', 2);
const unpacked = mkdtempSync(join(tmpdir(), 'showcase-'));
try {
  const model = join(folder, 'model');
  const others = readdirSync(model).filter((name) => !FILES.includes(name));
  if (others.length > 0) fail(`${model} holds ${others.join(', ')}, which the package does not name`);
  for (const name of FILES) if (!existsSync(join(model, name))) fail(`${model} lacks ${name}`);
  const card = cardOf(model, reportsOf(folder, unpacked));
  for (const name of FILES) copyFileSync(join(model, name), join(here, 'model', name));
  writeFileSync(join(here, 'card.json'), `${JSON.stringify(card, null, 2)}\n`);
  const readme = join(here, 'README.md');
  writeFileSync(readme, filled(readFileSync(readme, 'utf8'), sectionsOf(card)));
  console.log(
    `${card.files['model.safetensors'].bytes} bytes of weights, ${round(card.test.bitsPerByte, 4)} bits a byte`,
  );
} finally {
  rmSync(unpacked, { recursive: true });
}

/** Texts of the run by file name. */
function reportsOf(from, to) {
  const archive = join(from, 'showcase.tar.xz');
  const isPacked = existsSync(archive);
  if (isPacked && spawnSync('tar', ['xJf', archive, '-C', to]).status !== 0)
    fail(`${archive} cannot be unpacked`);
  return Object.fromEntries(
    REPORTS.map((name) => {
      const path = [join(to, name), join(from, name)].find(existsSync);
      if (!path) fail(`${from} lacks ${name}${isPacked ? ', also in showcase.tar.xz' : ''}`);
      return [name, readFileSync(path, 'utf8')];
    }),
  );
}

function cardOf(model, reports) {
  const settings = Object.fromEntries(
    reports['run.yaml']
      .split('\n')
      .flatMap((line) => [/^([\w-]+): (\S.*)$/.exec(line)?.slice(1)].filter(Boolean)),
  );
  const steps = jsonLines(reports['metrics.jsonl']);
  const best = steps
    .filter(({ bitsPerByte }) => bitsPerByte !== undefined)
    .reduce((one, other) => (one && one.bitsPerByte <= other.bitsPerByte ? one : other), undefined);
  const tested = jsonLines(reports['test.jsonl']).find(({ event }) => event === 'task');
  if (!best || !tested) fail('metrics.jsonl must have a validation, test.jsonl a task');
  const seconds = steps.reduce(
    (sum, { tokens, tokensPerSecond }, i) => sum + (tokens - (steps[i - 1]?.tokens ?? 0)) / tokensPerSecond,
    0,
  );
  const [report] = jsonLines(run('inspect', model, '--json'));
  const passage = ['--tasks', 'text', '--text', join(here, 'test/treasure-island.txt')];
  const [check] = jsonLines(run('eval', model, ...passage, '--device', 'cpu', '--json'));
  const { value: bitsPerByte, standardError } = tested.metrics.bits_per_byte;
  return {
    files: Object.fromEntries(
      FILES.map((name) => {
        const bytes = readFileSync(join(model, name));
        return [name, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
      }),
    ),
    model: { parameters: report.parameters, sparsity: report.sparsity, config: report.config },
    training: {
      device: /^device +(.*)$/m.exec(reports['train.txt'])?.[1] ?? fail('train.txt names no device'),
      steps: steps.at(-1).step,
      tokens: steps.at(-1).tokens,
      seconds: Math.round(seconds),
      keptStep: best.step,
      settings: Object.fromEntries(
        [
          'batch',
          'context',
          'learning-rate',
          'schedule',
          'final-share',
          'warmup',
          'weight-decay',
          'clip',
          'compute',
          'seed',
        ].map((key) => [key, settings[key] ?? fail(`run.yaml lacks ${key}`)]),
      ),
    },
    validation: { bitsPerByte: best.bitsPerByte },
    test: {
      text: reports['test-text.txt'].trim(),
      bitsPerByte,
      standardError,
      windows: tested.items,
      zeros: tested.sparsity?.overall ?? null,
    },
    samples: reports['samples.txt']
      .split(/\n{2,}(?=It was a dark night|"I have never told you|The captain )/)
      .map((text) => text.trim())
      .filter((text) => text !== ''),
    check: { bitsPerByte: check.metrics.bits_per_byte.value },
  };
}

/** What README.md has between its marks, by their names. */
function sectionsOf({ files, model, training, validation, test, samples }) {
  const { config, parameters, sparsity } = model;
  const { settings } = training;
  const rows = (pairs) => pairs.map(([what, value]) => `| ${what} | ${value} |`).join('\n');
  return {
    model: `| | |\n| --- | --- |\n${rows([
      ['parameters', `${millions(parameters.total)}, of which ${millions(parameters.linear)} ternary`],
      [
        'blocks',
        `${config.layers} of width ${config.hiddenSize}, ${config.heads} heads, ${config.intermediateSize} in the squared-ReLU GLU`,
      ],
      [
        'inputs left out',
        `${percent(sparsity)} by exact top-K at all four sites of a block, rounded to int8`,
      ],
      [
        'tokens',
        `bytes (${config.vocabularySize} with the end of a text); it sees ${grouped(config.contextLength)}`,
      ],
      [
        'weights on disk',
        `${megabytes(files['model.safetensors'].bytes)}, four ternary weights to a byte; embedding and norms in full`,
      ],
    ])}`,
    training: `| | |\n| --- | --- |\n${rows([
      ['device', training.device],
      [
        'steps',
        `${grouped(training.steps)} of ${settings.batch} rows of ${grouped(Number(settings.context))} bytes: ${millions(training.tokens)} tokens`,
      ],
      ['time', `${Math.round(training.seconds / 6) / 10} minutes`],
      [
        'AdamW',
        `rate ${settings['learning-rate']}, ${settings.schedule} to ${settings['final-share']} of it after ${settings.warmup} steps, weight decay ${settings['weight-decay']}, clipped at ${settings.clip}`,
      ],
      ['precision', `${settings.compute} with f32 master weights, seed ${settings.seed}`],
      ['kept', `step ${grouped(training.keptStep)}, the best on the validation text`],
    ])}`,
    evaluation: `| text | bits a byte |\n| --- | --- |\n${rows([
      ['validation novels', round(validation.bitsPerByte, 4)],
      [
        test.text,
        `${round(test.bitsPerByte, 4)} ± ${round(test.standardError, 4)} (${grouped(test.windows)} windows)`,
      ],
    ])}${test.zeros === null ? '' : `\n\n${percent(test.zeros)} of the inputs of its linear layers were zero on the way, counted by parameters: what top-K leaves out and what squared ReLU zeroes.`}`,
    samples: samples.map((text) => `\`\`\`text\n${text.replaceAll('```', "'''")}\n\`\`\``).join('\n\n'),
  };
}

function filled(text, sections) {
  return Object.entries(sections).reduce((result, [name, content]) => {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [result.indexOf(start), result.indexOf(end)];
    if (from < 0 || to < from) fail(`README.md lacks ${start} … ${end}`);
    return `${result.slice(0, from + start.length)}\n\n${content}\n\n${result.slice(to)}`;
  }, text);
}

function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  if (status !== 0) fail(`qsparse ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function jsonLines(text) {
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
}

function fail(message, code = 1) {
  console.error(`[replace-model] ${message}`);
  process.exit(code);
}

function round(value, digits) {
  return value.toFixed(digits);
}
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
function millions(count) {
  return `${(count / 1e6).toFixed(1)} M`;
}
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
function grouped(count) {
  return count.toLocaleString('en-US');
}
