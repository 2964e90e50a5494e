// File formats as bytes to typed values and back. Runs wherever JavaScript runs; files on disk are in ./node.
export { formatConfig, parseConfig } from './config.ts';
export { FormatError, type FormatErrorCode, type FormatErrorDetails } from './errors.ts';
export { type ByteReader, blobReader, bytesReader } from './io/byte-reader.ts';
export { type ByteSink, type MemorySink, memorySink, type WriteFile } from './io/byte-sink.ts';
export { type HttpReaderOptions, httpReader } from './io/http-reader.ts';
export { formatJson } from './json/format.ts';
export { nearestName, rejectUnknown } from './json/nearest-name.ts';
export { type Fallback, type NumberRange, type ObjectReader, readObject } from './json/object-reader.ts';
export { type JsonObject, type JsonValue, MAX_JSON_DEPTH, parseJson } from './json/parse.ts';
export { DTYPE_NAMES, type Dtype, type DtypeArray } from './safetensors/dtype.ts';
export { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from './safetensors/half.ts';
export { type HeaderOptions, MAX_HEADER_BYTES, type TensorInfo } from './safetensors/header.ts';
export {
  type LoadedTensor,
  openSafetensors,
  type TensorStore,
  toFloat32,
  toFloats,
} from './safetensors/read.ts';
export { requireTensors, type TensorRequirement } from './safetensors/require-tensors.ts';
export {
  formatShardIndex,
  indexFileName,
  parseShardIndex,
  type ShardIndex,
} from './safetensors/shard-index.ts';
export { type OpenShard, openShardedSafetensors } from './safetensors/shards-read.ts';
export {
  type ShardOptions,
  type WrittenShards,
  writeShardedSafetensors,
} from './safetensors/shards-write.ts';
export {
  type TensorArray,
  type TensorToWrite,
  type WriteOptions,
  type WrittenFile,
  writeSafetensors,
} from './safetensors/write.ts';
export { byteAlphabet, byteTokens } from './tokenizer/byte-alphabet.ts';
export { byteLevelTokenizer, formatTokenizerJson, type NewTokenizer } from './tokenizer/format.ts';
export { embeddingRows, MAX_TOKEN_ID, parseTokenizerJson } from './tokenizer/parse.ts';
export type {
  AddedToken,
  BpeModel,
  ByteFallback,
  ByteLevel,
  DecoderStep,
  Digits,
  Fuse,
  Metaspace,
  Normalizer,
  NormalizerStep,
  PostProcessor,
  Prepend,
  PreTokenizer,
  PreTokenizerStep,
  Replace,
  Split,
  SplitPattern,
  Strip,
  TemplatePiece,
  TemplateProcessing,
  TemplateToken,
  TokenDecoder,
  TokenizerJson,
  UnicodeNormalizer,
} from './tokenizer/types.ts';
export { decodeUtf8, type Utf8Options } from './utf8.ts';
