/** Model folders on disk, for Node. */
export { ggufTokenizerFiles } from './gguf-file.ts';
export { cachedHubFiles, type DownloadProgress, type HubCacheOptions, isHubName } from './hub-cache.ts';
export {
  folderFiles,
  fromPretrained,
  modelFiles,
  readModelConfig,
  resolveModelFolder,
  saveModel,
} from './model-folder.ts';
