// Files and folders on disk, for Node. Browsers use the package's main entry, which imports nothing of this.
export { recoverFile, writeFileAtomic } from './atomic-file.ts';
export { recoverFolder, replaceFolderAtomic } from './atomic-folder.ts';
export { FileError, withFileErrors } from './file-error.ts';
export { openFileReader, readFileBytes } from './file-reader.ts';
export { openTensorFolder } from './tensor-folder.ts';
