/** What a run writes of itself: metrics.jsonl and TensorBoard's events, whole, killed and resumed. */
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepEntry } from '@qsparse/training';
import { afterAll, expect, test, vi } from 'vitest';
import { type ReadEvent, readEvents } from '../../../../packages/training/test/node/read-events.ts';
import { cli, SMALL, temporaryFolder, writeText } from '../run-cli.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const text = writeText(folder.path);
let runs = 0;
const fresh = () => join(folder.path, `run-${++runs}`);
const train = (out: string, ...argv: string[]) =>
  cli('train', ...SMALL, '--data', text, '--out', out, '--schedule', 'constant', ...argv);
const metricsOf = (out: string) =>
  readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StepEntry);
const eventFiles = (out: string) =>
  readdirSync(out)
    .filter((name) => name.startsWith('events.out.tfevents.'))
    .sort();

/** As TensorBoard reads: file after file, and a start drops what came before from its step on. */
function shown(out: string): readonly ReadEvent[] {
  let events: ReadEvent[] = [];
  for (const name of eventFiles(out)) {
    for (const event of readEvents(readFileSync(join(out, name)))) {
      if (event.starts) events = events.filter(({ step }) => step < event.step);
      events.push(event);
    }
  }
  return events;
}
const curve = (out: string, tag: string) =>
  shown(out).flatMap(({ step, scalars }) => (tag in scalars ? [[step, scalars[tag]]] : []));

test('scalars are those of metrics.jsonl; samples are texts, weights are distributions', async () => {
  const out = fresh();
  const flags = ['--steps', '4', '--sample-every', '2', '--diagnostics-every', '2', '--validate-every', '3'];
  const ended = await train(out, ...flags, '--peak-tflops', '0.001');
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out).toMatch(/tokens\/s {2}MFU \d+\.\d % /);
  const metrics = metricsOf(out);
  expect(curve(out, 'train/loss')).toEqual(metrics.map(({ step, loss }) => [step, Math.fround(loss)]));
  expect(curve(out, 'train/mfu')).toEqual(metrics.map(({ step, mfu }) => [step, Math.fround(mfu!)]));
  const validated = metrics.filter(({ validationLoss }) => validationLoss !== undefined);
  expect(validated.map(({ step }) => step)).toEqual([3, 4]);
  // A byte tokenizer: a token is a byte, but for the one between documents.
  const { validationLoss, bitsPerByte } = validated[0]!;
  expect(bitsPerByte! / (validationLoss! / Math.LN2)).toBeCloseTo(1, 2);
  expect(curve(out, 'validation/bits_per_byte')).toEqual(
    validated.map((entry) => [entry.step, Math.fround(entry.bitsPerByte!)]),
  );
  for (const [tag, name] of [
    ['gradient_norm/layers.0', (entry: StepEntry) => entry.gradientNorms?.['layers.0']],
    ['site_sparsity/layers.0.down', (entry: StepEntry) => entry.siteSparsity?.['layers.0.down']],
  ] as const) {
    const expected = metrics.filter((entry) => name(entry) !== undefined);
    expect(expected.map(({ step }) => step)).toEqual([2, 4]);
    expect(curve(out, tag)).toEqual(expected.map((entry) => [entry.step, Math.fround(name(entry)!)]));
  }
  const samples = shown(out).filter(({ texts }) => 'sample' in texts);
  expect(samples.map(({ step }) => step)).toEqual([2, 4]);
  expect(samples.every(({ texts }) => texts.sample!.startsWith('The '))).toBe(true);
  const weights = shown(out).filter(({ histograms }) => 'weights/model.embed_tokens.weight' in histograms);
  expect(weights.map(({ step }) => step)).toEqual([2, 4]);

  const page = join(folder.path, 'page.html');
  expect((await cli('report', out, '--out', page)).code).toBe(0);
  const html = readFileSync(page, 'utf8');
  for (const title of [
    'Gradient norm by layer',
    `Zeros by site, ${out.split('/').at(-1)}`,
    'Use of the device',
  ])
    expect(html).toContain(`aria-label="${title}`);
});

test('a run that goes on after a kill shows each step once, and those of a run that was not stopped', async () => {
  const [whole, out] = [fresh(), fresh()];
  const flags = ['--steps', '6', '--save-every', '2', '--diagnostics-every', '2'];
  await train(whole, ...flags);
  await train(out, ...flags);
  // As a kill after step 6, before its checkpoint, leaves it.
  rmSync(join(out, 'checkpoints', 'step-00000006'), { recursive: true });
  const resumed = await cli('train', '--device', 'reference', '--resume', out, '--diagnostics-every', '3');
  expect(resumed).toMatchObject({ code: 0, err: '' });
  expect(eventFiles(out)).toHaveLength(2);
  expect(curve(out, 'train/loss')).toEqual(curve(whole, 'train/loss'));
  expect(metricsOf(out).map(({ step, loss }) => [step, loss])).toEqual(
    metricsOf(whole).map(({ step, loss }) => [step, loss]),
  );
  expect(curve(out, 'gradient_norm/layers.0').map(([step]) => step)).toEqual([2, 4, 6]);
  // Nothing to do: no third file.
  await cli('train', '--device', 'reference', '--resume', out);
  expect(eventFiles(out)).toHaveLength(2);
});

test('without TensorBoard there is no file, and its absence changes nothing else', async () => {
  const out = fresh();
  await train(out, '--steps', '2', '--tensorboard', 'false', '--diagnostics-every', '1');
  expect(eventFiles(out)).toEqual([]);
  expect(metricsOf(out).every(({ gradientNorms }) => gradientNorms !== undefined)).toBe(true);
});

test('event files on a full disk: one warning, and the run goes on to its end', async () => {
  const out = fresh();
  const handle = await open(join(folder.path, 'probe'), 'w');
  await handle.close();
  const prototype = Object.getPrototypeOf(handle) as { write(...args: unknown[]): Promise<unknown> };
  const real = prototype.write;
  let refused = 0;
  const write = vi.spyOn(prototype, 'write').mockImplementation(function (this: FileHandle, ...args) {
    // Event files alone are written at a position.
    if (args.length < 4) return real.apply(this, args);
    refused += 1;
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  const ended = await train(out, '--steps', '3', '--save-every', '1').finally(() => write.mockRestore());
  expect(refused).toBe(3);
  expect({ code: ended.code, err: ended.err }).toEqual({ code: 0, err: '' });
  const warning = /\[tensorboard\].*disk is full.*the run goes on, TensorBoard will miss steps/g;
  expect(ended.out.match(warning)).toHaveLength(1);
  expect(metricsOf(out).map(({ step }) => step)).toEqual([1, 2, 3]);
});

test('what follows half a line or half a record of a killed run', async () => {
  const out = fresh();
  await train(out, '--steps', '2');
  appendFileSync(join(out, 'metrics.jsonl'), '{"step":3,"lo');
  const [name] = eventFiles(out);
  const before = readFileSync(join(out, name!));
  appendFileSync(join(out, name!), before.subarray(0, 30));
  expect((await cli('train', '--device', 'reference', '--resume', out, '--steps', '4')).code).toBe(0);
  expect(metricsOf(out).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  // The old file is as it was: TensorBoard leaves the half record and goes on with the next file.
  expect(readFileSync(join(out, name!))).toHaveLength(before.length + 30);
  expect(readEvents(readFileSync(join(out, eventFiles(out)[1]!))).map(({ step }) => step)).toEqual([
    0, 3, 3, 4,
  ]);
});
