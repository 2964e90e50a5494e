// Makes files and folders survive a power cut: data and names are on the disk when these return.
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './file-error.ts';

// Some file systems and all of Windows cannot sync a folder; one that may be written but not listed cannot be opened.
const FOLDER_SYNC_UNAVAILABLE = ['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES', 'EBADF'];

/** Syncs the names in one folder, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await syncPath(path, 'r');
  } catch (error) {
    if (!FOLDER_SYNC_UNAVAILABLE.includes(systemCode(error) ?? '')) throw error;
  }
}

/** Syncs every file in a folder and below, then the folders themselves. */
export async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(child);
    // Windows only syncs a file that is open for writing.
    else if (entry.isFile()) await syncPath(child, process.platform === 'win32' ? 'r+' : 'r');
  }
  await syncFolder(path);
}

async function syncPath(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
