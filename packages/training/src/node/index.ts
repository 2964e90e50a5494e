/** Checkpoints on disk, for Node. */
export { checkpointFolders, type FolderStoreOptions, folderStore } from './folder-store.ts';
