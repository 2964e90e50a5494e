/** `@qsparse/data/tuning`: instruction and preference data, from JSONL to batches. Runs in Node and browsers. */
export { type EncoderOptions, type Example, encodeDialogue, UnusableExampleError } from './encode.ts';
export {
  countPackedRows,
  evaluationPacks,
  fingerprintExamples,
  type PackedBatch,
  type PackedBatches,
  type PackOptions,
  packExamples,
} from './pack.ts';
export {
  evaluationPairs,
  type Pair,
  type PairBatch,
  type PairOptions,
  pairBatch,
  pairBatches,
} from './pairs.ts';
export { plainChatTemplate } from './plain-template.ts';
export {
  type Dialogue,
  type PreferenceRecord,
  parsePreferenceRecord,
  parseTuningRecord,
  type RecordPlace,
  TUNING_FORMATS,
  type TuningFormat,
  type TuningRecord,
} from './records.ts';
export { splitExamples } from './split.ts';
