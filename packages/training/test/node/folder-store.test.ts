import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { write } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { FormatError } from '@qsparse/formats';
import { FileError } from '@qsparse/formats/node';
import { type CheckpointToWrite, checkpointTensors, createAdamW } from '@qsparse/training';
import { checkpointFolders, folderStore } from '@qsparse/training/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bigram } from '../bigram.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'folder-store-'));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

const names = () => readdirSync(join(run, 'checkpoints')).sort();

function checkpoint(step: number): CheckpointToWrite {
  const { arena } = bigram(referenceDevice());
  write(arena.values, new Float64Array(arena.values.size).fill(step));
  const state = { step, tokens: 10 * step, position: { epoch: 0, row: step }, fingerprint: 'data' };
  return { state, ...checkpointTensors(arena, createAdamW(arena)) };
}

test('a checkpoint is a model folder with the optimizer and the state beside it', async () => {
  const store = folderStore(run, { files: { 'config.json': '{}\n', 'tokenizer.json': '[]\n' } });
  await store.save(checkpoint(7));
  const folder = join(run, 'checkpoints', 'step-00000007');
  expect(readdirSync(folder).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'optimizer.safetensors',
    'tokenizer.json',
    'training.json',
  ]);
  expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{}\n');
  const stored = (await store.latest())!;
  expect(stored.name).toBe(folder);
  expect(stored.state).toEqual({ step: 7, tokens: 70, position: { epoch: 0, row: 7 }, fingerprint: 'data' });
  expect((await stored.weights.read('norm')).data).toEqual(new Float64Array(5).fill(7));
  await stored.close();
});

test('the newest stay, the oldest go', async () => {
  const store = folderStore(run);
  for (const step of [100, 5, 200]) await store.save(checkpoint(step));
  expect(names()).toEqual(['step-00000100', 'step-00000200']);
  expect(await checkpointFolders(run)).toEqual(names().map((name) => join(run, 'checkpoints', name)));
  await folderStore(run, { keep: 0 }).save(checkpoint(300));
  expect(names()).toEqual(['step-00000300']);
});

test('a step that is saved again replaces its checkpoint', async () => {
  const store = folderStore(run);
  await store.save(checkpoint(3));
  await store.save(checkpoint(3));
  expect(names()).toEqual(['step-00000003']);
});

test('no checkpoint in an empty, missing or strange folder', async () => {
  expect(await folderStore(run).latest()).toBeUndefined();
  expect(await checkpointFolders(join(run, 'missing'))).toEqual([]);
  mkdirSync(join(run, 'checkpoints', 'step-1'), { recursive: true });
  mkdirSync(join(run, 'checkpoints', '.step-00000009.partial'));
  writeFileSync(join(run, 'checkpoints', 'notes.txt'), 'mine');
  expect(await checkpointFolders(run)).toEqual([]);
});

test('what a kill left behind is put in order: complete ones are taken, the rest goes, other files stay', async () => {
  const store = folderStore(run);
  await store.save(checkpoint(1));
  const root = join(run, 'checkpoints');
  const { renameSync } = await import('node:fs');
  // Killed between "complete" and "in its place".
  await store.save(checkpoint(2));
  renameSync(join(root, 'step-00000002'), join(root, '.step-00000002.ready'));
  // Killed while writing, and while deleting.
  mkdirSync(join(root, '.step-00000003.partial'));
  mkdirSync(join(root, '.step-00000000.trash'));
  writeFileSync(join(root, 'notes.txt'), 'mine');
  const stored = (await folderStore(run).latest())!;
  expect(stored.state.step).toBe(2);
  await stored.close();
  expect(names()).toEqual(['notes.txt', 'step-00000001', 'step-00000002']);
});

test('a failure while writing leaves the checkpoints of before', async () => {
  const store = folderStore(run);
  await store.save(checkpoint(1));
  const broken = checkpoint(2);
  const last = { ...broken.moments.at(-1)!, data: () => Promise.reject(new Error('the device is gone')) };
  const damaged = { ...broken, moments: [...broken.moments.slice(0, -1), last] };
  await expect(store.save(damaged)).rejects.toThrow('the device is gone');
  expect(names()).toEqual(['step-00000001']);
});

test('a file in the way is named', async () => {
  writeFileSync(join(run, 'checkpoints'), 'in the way');
  await expect(folderStore(run).save(checkpoint(1))).rejects.toThrow(FileError);
  await expect(folderStore(run).save(checkpoint(1))).rejects.toThrow(
    `[save] ${join(run, 'checkpoints')}: it exists already (EEXIST)`,
  );
  expect(await folderStore(run).latest()).toBeUndefined();
});

test.each<[string, (folder: string) => void, string]>([
  [
    'truncated weights',
    (folder) => truncateSync(join(folder, 'model.safetensors'), 300),
    'model.safetensors',
  ],
  [
    'truncated moments',
    (folder) => truncateSync(join(folder, 'optimizer.safetensors'), 4),
    'optimizer.safetensors',
  ],
  ['a missing file', (folder) => rmSync(join(folder, 'optimizer.safetensors')), 'there is no such file'],
  ['no JSON', (folder) => writeFileSync(join(folder, 'training.json'), '{"step": 1,'), 'training.json'],
  [
    'a wrong key',
    (folder) => writeFileSync(join(folder, 'training.json'), '{"stepp": 1}'),
    'unknown key "stepp"; did you mean "step"?',
  ],
  [
    'a wrong value',
    (folder) => writeFileSync(join(folder, 'training.json'), '{"step": -1}'),
    '"step" must be an integer of at least 0',
  ],
])('a checkpoint with %s is refused by name', async (_, damage, message) => {
  const store = folderStore(run);
  await store.save(checkpoint(1));
  const folder = join(run, 'checkpoints', 'step-00000001');
  damage(folder);
  const error = await store.latest().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toContain(message);
  expect((error as Error).message).toContain(`, or delete ${folder} to go on from the checkpoint before it`);
  expect((error as Error).message).not.toContain('\n');
});
