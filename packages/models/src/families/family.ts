/**
 * A model family: what a config.json of one `model_type` means as a decoder. All families here use the tensor names of
 * `decoderParams`, which are Hugging Face's, so that a family says nothing about them.
 */
import type { ObjectReader } from '@qsparse/formats';
import type { DecoderConfig } from '@qsparse/layers';

export interface Family {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** Keys of config.json that `parse` reads. */
  readonly keys: readonly string[];
  /** The decoder of a config.json. Throws FormatError that names the key. */
  parse(reader: ObjectReader): DecoderConfig;
}
