/** Model folders on disk, for Node. */
export {
  fromPretrained,
  type LoadedModel,
  modelFiles,
  readModelConfig,
  resolveModelFolder,
  saveModel,
} from './model-folder.ts';
