/** `@qsparse/data`: text to documents, documents to tokens, tokens to batches. Runs in Node and browsers. */

export {
  type ChatMessage,
  type ChatOptions,
  type ChatTemplate,
  createChatTemplate,
} from './chat/chat-template.ts';
export {
  DataError,
  type DataErrorCode,
  PackingError,
  TextError,
  type TextPlace,
  TokenizerError,
} from './errors.ts';
export {
  type Batch,
  type Batches,
  type BatchOptions,
  type BatchPosition,
  createBatches,
} from './packing/batches.ts';
export { type EvaluationBatch, type EvaluationOptions, evaluationBatches } from './packing/evaluation.ts';
export { fingerprint } from './packing/fingerprint.ts';
export type { RowOptions } from './packing/rows.ts';
export { type Split, type SplitOptions, splitTokens } from './packing/split.ts';
export { type TokenizeOptions, type Tokens, tokenizeDocuments, toTokens } from './packing/tokens.ts';
export type { ChatTemplateSource, ChatTemplateSources } from './pretrained/chat-sources.ts';
export { checkVocabulary } from './pretrained/check-vocabulary.ts';
export { loadTokenizer, TOKENIZER_FILES } from './pretrained/load-tokenizer.ts';
export type { TokenizerFiles } from './pretrained/named-tokens.ts';
export type { LoadTokenizerOptions, PretrainedTokenizer } from './pretrained/pretrained-tokenizer.ts';
export type { ByteSource } from './text/bytes.ts';
export type { Decompress, Decompressors } from './text/compression.ts';
export type { Compression, TextFormat } from './text/format.ts';
export type { FailLine } from './text/jsonl.ts';
export { type ReadOptions, readDocuments, readObjects, type TextSource } from './text/read.ts';
export { type ByteTokenizerOptions, createByteTokenizer } from './tokenizer/byte.ts';
export { isByteTokenizerJson, type LoadOptions, tokenizerFromJson } from './tokenizer/load.ts';
export { END_OF_TEXT } from './tokenizer/special-tokens.ts';
export type {
  DecodeOptions,
  DecoderOptions,
  EncodeOptions,
  StreamDecoder,
  Tokenizer,
} from './tokenizer/tokenizer.ts';
export { type TrainBpeOptions, type TrainBpeProgress, trainBpe } from './tokenizer/train.ts';
