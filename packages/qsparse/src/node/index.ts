/** Model folders on disk, for Node. */
export { ggufTokenizerFiles } from './gguf-file.ts';
export {
  folderFiles,
  fromPretrained,
  modelFiles,
  readModelConfig,
  resolveModelFolder,
  saveModel,
} from './model-folder.ts';
