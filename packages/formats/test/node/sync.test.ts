import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { syncFolder, syncTree } from '../../src/node/sync.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

afterEach(() => void vi.restoreAllMocks());

async function spyOnSync() {
  const handle = await open(process.execPath);
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  return vi.spyOn(prototype, 'sync');
}

test('every file and folder is synced once; links are not followed', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'inner'));
  for (const name of ['a', 'b', 'inner/c']) writeFileSync(join(folder, name), name);
  symlinkSync('/', join(folder, 'link'));
  const sync = await spyOnSync();
  await syncTree(folder);
  expect(sync).toHaveBeenCalledTimes(3 + 2);
});

test('a folder that the system cannot sync is passed over, a failing disk is not', async () => {
  const folder = temporaryFolder();
  const sync = await spyOnSync();
  const fail = (code: string) => sync.mockRejectedValueOnce(Object.assign(new Error(code), { code }));
  fail('EINVAL');
  await syncFolder(folder);
  fail('EIO');
  await expect(syncFolder(folder)).rejects.toThrow('EIO');
  await expect(syncFolder(join(folder, 'missing'))).rejects.toThrow('ENOENT');
});
