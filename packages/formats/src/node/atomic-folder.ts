// Replaces a folder as a whole, for checkpoints of several files. Beside the target there are at most
//   .name.partial   being filled: incomplete, worthless
//   .name.ready     complete and synced, newer than the target
//   .name.previous  the old target, complete, until the new one is in its place
//   .name.trash     being deleted: worthless
// The new folder becomes valid by one rename (partial to ready); from there on recovery completes the swap. No system
// call of Node exchanges two folders, so between two renames the target's own name may be missing: readers that start
// after a crash call `recoverFolder` first. One writer for a target at a time.
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { showName } from '../display.ts';
import { FileError, systemCode, toFileError, withFileErrors } from './file-error.ts';
import { prefixBeside, resolveTarget } from './names-beside.ts';
import { syncFolder, syncTree } from './sync.ts';

/**
 * Fills a new folder beside the target, syncs all of it, and puts it in the target's place. A failure leaves the old
 * folder as it was and removes the new one. What a killed process left behind is recovered first.
 * @param fill writes files into the temporary folder, which exists and is empty
 * @throws FileError for errors of the file system, also those that `fill` throws; everything else that `fill` throws,
 * and the signal's reason, as it is
 */
export async function replaceFolderAtomic(
  target: string,
  fill: (temporaryFolder: string) => Promise<void>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  let consequence = 'the old folder is unchanged';
  let temporaryPrefix = prefixBeside(target);
  try {
    const names = await namesOf(target);
    temporaryPrefix = prefixBeside(names.target);
    await recover(names);
    if (!(await isFolder(names.target))) consequence = 'nothing was written';
    try {
      await mkdir(names.partial);
      await fill(names.partial);
      await syncTree(names.partial);
      options.signal?.throwIfAborted();
      await rename(names.partial, names.ready);
      await syncFolder(names.parent);
      await swapIn(names);
    } catch (error) {
      await rm(names.partial, { recursive: true, force: true }).catch(() => {});
      // With the old folder in its place again, the new one is a failed attempt; otherwise it waits for recovery.
      if (await isFolder(names.target).catch(() => false)) await discard(names.ready, names).catch(() => {});
      throw error;
    }
    consequence = 'the new folder is in its place';
    await finish(names);
  } catch (error) {
    throw toFileError(error, { label: 'write', path: target, consequence, temporaryPrefix });
  }
}

/**
 * Brings target and leftovers into order after a crash at any moment: completes a swap whose new folder was complete,
 * otherwise keeps the old one, and deletes the rest. Calling it when nothing happened changes nothing.
 * @returns true when the target exists now
 * @throws FileError for errors of the file system
 */
export async function recoverFolder(target: string): Promise<boolean> {
  return withFileErrors('recover', target, async () => {
    const names = await namesOf(target);
    await recover(names);
    return isFolder(names.target);
  });
}

interface Names {
  readonly target: string;
  readonly parent: string;
  readonly partial: string;
  readonly ready: string;
  readonly previous: string;
  readonly trash: string;
}

async function namesOf(path: string): Promise<Names> {
  const target = await resolveTarget(path);
  const prefix = prefixBeside(target);
  return {
    target,
    parent: dirname(target),
    partial: `${prefix}.partial`,
    ready: `${prefix}.ready`,
    previous: `${prefix}.previous`,
    trash: `${prefix}.trash`,
  };
}

async function recover(names: Names): Promise<void> {
  await rm(names.partial, { recursive: true, force: true });
  await rm(names.trash, { recursive: true, force: true });
  if (await isFolder(names.ready)) await swapIn(names);
  else if ((await isFolder(names.previous)) && !(await isFolder(names.target))) {
    await rename(names.previous, names.target);
  }
  await finish(names);
}

/** From a complete `ready`: target to previous, ready to target. Undone when the second rename fails. */
async function swapIn(names: Names): Promise<void> {
  const hasOld = await isFolder(names.target);
  if (hasOld) {
    // A previous beside a target comes from a swap that was complete but for its deletion.
    await discard(names.previous, names);
    await rename(names.target, names.previous);
  }
  try {
    await rename(names.ready, names.target);
  } catch (error) {
    if (hasOld) await rename(names.previous, names.target).catch(() => {});
    throw error;
  }
}

/** Makes the target's name durable, then deletes what it replaced. */
async function finish(names: Names): Promise<void> {
  if (!(await isFolder(names.target))) return;
  await syncFolder(names.parent);
  await discard(names.previous, names);
}

/** Renamed before it is deleted, so that a half deleted folder is never taken for a complete one. */
async function discard(path: string, names: Names): Promise<void> {
  if (!(await isFolder(path))) return;
  await rename(path, names.trash);
  await rm(names.trash, { recursive: true, force: true });
}

/** @throws FileError when something else than a folder has the name */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  const problem = 'a folder is required, it is a file (ENOTDIR); move it away';
  throw new FileError(`[folder] ${showName(path)}: ${problem}`, path, 'ENOTDIR');
}
