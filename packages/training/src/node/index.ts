/** Checkpoints and logs on disk, for Node. */
export { checkpointFolders, type FolderStoreOptions, folderStore, openCheckpoint } from './folder-store.ts';
export { type MetricsFile, metricsFile } from './metrics-file.ts';
export { type TensorBoardOptions, tensorboardReporter } from './tensorboard-reporter.ts';
