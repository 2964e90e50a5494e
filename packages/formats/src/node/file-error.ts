// Errors of the operating system as one clear line: what failed, on which path, why in words, and what to do.
import { showName } from '../display.ts';
import { FormatError } from '../errors.ts';

/** A file or folder could not be read or written. `code` is `io`, `systemCode` the system's own (`ENOSPC`). */
export class FileError extends FormatError {
  readonly path: string;
  readonly systemCode: string;

  constructor(message: string, path: string, systemCode: string, cause?: unknown) {
    super('io', message, { file: path, cause });
    this.name = 'FileError';
    this.path = path;
    this.systemCode = systemCode;
  }
}

const REASONS: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  ENOSPC: ['the disk is full', 'free some space or choose another disk'],
  EDQUOT: ['the disk quota is used up', 'free some space or choose another disk'],
  EACCES: ['permission denied', 'change the rights or choose another folder'],
  EPERM: ['the system does not permit it', 'change the rights or choose another folder'],
  EROFS: ['the file system is read-only', 'choose another folder'],
  ENOENT: ['there is no such file or folder', 'check the path'],
  EISDIR: ['it is a folder, a file is required', 'check the path'],
  ENOTDIR: ['a part of the path is a file, a folder is required', 'check the path'],
  EEXIST: ['it exists already', 'choose another name'],
  ENOTEMPTY: ['the folder is not empty', 'is another process writing there? stop it'],
  EBUSY: [
    'it is in use',
    'close what uses it; a mount point cannot be replaced, choose a folder inside of it',
  ],
  EFBIG: ['the file is too large for the file system or a limit', 'choose another disk or raise the limit'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter one'],
  ELOOP: ['symbolic links go round in a circle', 'check the path'],
  EMFILE: ['too many files are open', 'close some or raise the limit'],
  ENFILE: ['too many files are open on this machine', 'close some'],
  EXDEV: ['it lies on another file system', 'choose a folder on the same one'],
  EIO: ['the disk reports an error', 'check the disk'],
};

/** What the failed operation was about. */
export interface FileOperation {
  /** Stands in square brackets in the message. */
  readonly label: string;
  /** The path as the caller knows it. */
  readonly path: string;
  /** What the failure means for the target: `the old file is unchanged`. */
  readonly consequence?: string;
  /** How names of temporary files begin: a failure on one of them is shown as one of `path`. */
  readonly temporaryPrefix?: string;
}

/** An error of node:fs as a FileError; anything else (the caller's own errors, an abort) comes back as it is. */
export function toFileError(error: unknown, operation: FileOperation): unknown {
  const code = systemCode(error);
  if (!(error instanceof Error) || error instanceof FormatError || code === undefined) return error;
  const { label, consequence, temporaryPrefix } = operation;
  const culprit = 'path' in error && typeof error.path === 'string' ? error.path : operation.path;
  const isTemporary = temporaryPrefix !== undefined && culprit.startsWith(temporaryPrefix);
  const path = isTemporary ? operation.path : culprit;
  const [reason, advice] = REASONS[code] ?? [error.message.replace(/\s+/g, ' '), 'check the path'];
  const effect = consequence === undefined ? '' : `, ${consequence}`;
  return new FileError(
    `[${label}] ${showName(path)}: ${reason} (${code})${effect}; ${advice}`,
    path,
    code,
    error,
  );
}

/** The code of an error of the operating system (`ENOENT`), undefined for every other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // ERR_… are Node's own, about wrong arguments.
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** Runs an operation of node:fs and throws its error as a FileError. */
export async function withFileErrors<T>(
  label: string,
  path: string,
  operation: () => Promise<T>,
): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw toFileError(error, { label, path });
  }
}
