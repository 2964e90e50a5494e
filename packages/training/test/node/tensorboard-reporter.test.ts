import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from '@qsparse/formats';
import type { FileError } from '@qsparse/formats/node';
import type { StepEntry } from '@qsparse/training';
import { tensorboardReporter } from '@qsparse/training/node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readEvents } from './read-events.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'tensorboard-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(run, { recursive: true, force: true });
});

const entry = (step: number, more: Partial<StepEntry> = {}): StepEntry => ({
  ...{ step, loss: 2.5, learningRate: 0.5, gradientNorm: 4, tokensPerSecond: 1000, tokens: 64 * step },
  ...more,
});
const files = () => readdirSync(run).sort();
const eventsOf = (name: string) => readEvents(readFileSync(join(run, name)));

test('numbers by group, those of places by place, texts and distributions', async () => {
  const reporter = tensorboardReporter(join(run, 'new'));
  await reporter.step(entry(1));
  await reporter.text('sample', 'The\nend', 1);
  await reporter.step(
    entry(2, {
      validationLoss: 3,
      bitsPerByte: 1.5,
      mfu: 0.25,
      sparsity: 0.5,
      gradientNorms: { embedding: 0.5, 'layers.0': 0.25 },
      siteSparsity: { 'layers.0.qkv': 0.75 },
    }),
  );
  await reporter.histogram('weights/a', Float32Array.of(1, 2, 3), 2);
  await reporter.close();
  const [name] = readdirSync(join(run, 'new'));
  const [start, first, sample, second, weights] = readEvents(readFileSync(join(run, 'new', name!)));
  expect(start).toMatchObject({ version: 'brain.Event:2', scalars: {} });
  expect(start).not.toHaveProperty('starts');
  expect(Math.abs(first!.time - Date.now() / 1000)).toBeLessThan(60);
  expect(first).toMatchObject({ step: 1, texts: {}, histograms: {} });
  const common = { 'train/loss': 2.5, 'train/learning_rate': 0.5, 'train/gradient_norm': 4 };
  expect(first!.scalars).toEqual({ ...common, 'train/tokens_per_second': 1000, 'train/tokens': 64 });
  expect(sample).toMatchObject({ step: 1, texts: { sample: 'The  \nend' } });
  expect(second).toMatchObject({ step: 2 });
  expect(second!.scalars).toEqual({
    ...{ ...common, 'train/tokens_per_second': 1000, 'train/tokens': 128 },
    ...{ 'train/mfu': 0.25, 'train/sparsity': 0.5, 'validation/loss': 3, 'validation/bits_per_byte': 1.5 },
    ...{ 'gradient_norm/embedding': 0.5, 'gradient_norm/layers.0': 0.25, 'site_sparsity/layers.0.qkv': 0.75 },
  });
  expect(weights).toMatchObject({ step: 2, histograms: { 'weights/a': 3 } });
});

test('nothing is written before there is something to tell', async () => {
  await tensorboardReporter(run).close();
  expect(files()).toEqual([]);
});

test('a run that goes on has a file of its own, which is read later and says where it began', async () => {
  const future = Math.floor(Date.now() / 1000) + 1e6;
  writeFileSync(join(run, `events.out.tfevents.${future}.other.1`), '');
  for (const resumedAt of [undefined, 8, 5]) {
    const reporter = tensorboardReporter(run, { resumedAt });
    await reporter.step(entry(resumedAt ?? 1));
    await reporter.close();
  }
  const names = files();
  expect(names.map((name) => Number(name.split('.')[3]) - future)).toEqual([0, 1, 2, 3]);
  const starts = names.slice(1).map((name) => eventsOf(name).filter(({ starts }) => starts));
  expect(starts.map((events) => events.map(({ step }) => step))).toEqual([[], [8], [5]]);
});

test('a disk that is full for a while is said once, and what stands in the file stays readable', async () => {
  const seen: FileError[] = [];
  const reporter = tensorboardReporter(run, { onFailure: (error) => seen.push(error) });
  await reporter.step(entry(1));
  const write = await failingWrites(3);
  for (const step of [2, 3, 4]) await reporter.step(entry(step));
  write.mockRestore();
  await reporter.step(entry(5));
  await reporter.close();
  expect(seen.map(({ message }) => message)).toEqual([expect.stringContaining('the disk is full (ENOSPC)')]);
  expect(eventsOf(files()[0]!).map(({ step }) => step)).toEqual([0, 1, 5]);
});

test('a folder that cannot be made ends nothing', async () => {
  writeFileSync(join(run, 'file'), '');
  const onFailure = vi.fn();
  const reporter = tensorboardReporter(join(run, 'file', 'run'), { onFailure });
  await reporter.step(entry(1));
  await reporter.step(entry(2));
  await reporter.close();
  expect(onFailure).toHaveBeenCalledTimes(1);
  expect(onFailure.mock.calls[0]![0].message).toContain('[tensorboard]');
});

test('a step that is none is an error of the caller', async () => {
  const reporter = tensorboardReporter(run);
  await expect(async () => reporter.step(entry(-1))).rejects.toThrow(FormatError);
  await reporter.close();
});

test('calls that nobody waits for come in their order', async () => {
  const reporter = tensorboardReporter(run);
  void reporter.step(entry(1));
  void reporter.text('a', 'b', 1);
  void reporter.step(entry(2));
  await reporter.close();
  expect(eventsOf(files()[0]!).map(({ step }) => step)).toEqual([0, 1, 1, 2]);
});

/** Writes of half of what they are given and then no more, as a full disk does. */
async function failingWrites(times: number) {
  const probe = await open(join(run, '..', `probe-${process.pid}`), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  const real = prototype.write as (...args: unknown[]) => Promise<unknown>;
  await probe.close();
  rmSync(join(run, '..', `probe-${process.pid}`));
  let left = times;
  return vi.spyOn(prototype, 'write').mockImplementation(async function (this: FileHandle, ...args) {
    const [bytes, offset, length, position] = args as unknown as [Uint8Array, number, number, number];
    if (left-- > 0) {
      await real.call(this, bytes, offset, length >> 1, position);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    return real.call(this, bytes, offset, length, position) as never;
  });
}
