/** Model folders on disk, for Node. */
export {
  folderFiles,
  fromPretrained,
  modelFiles,
  readModelConfig,
  resolveModelFolder,
  saveModel,
} from './model-folder.ts';
