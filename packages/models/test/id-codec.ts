/** A tokenizer for tests: text is ids with a space after each. */
import type { TextCodec } from '@qsparse/models';

export const idCodec: TextCodec = {
  encode: (text) => text.split(' ').filter(Boolean).map(Number),
  decoder: () => ({ push: (id) => `${id} `, flush: () => '' }),
};
