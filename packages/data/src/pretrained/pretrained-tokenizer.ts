/** What a tokenizer knows that came with a published model. */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatTemplateSources } from './chat-sources.ts';

export interface LoadTokenizerOptions {
  /** The token that ends a document; default: what the files say, or `<|endoftext|>`. */
  readonly endOfText?: string;
  /** What messages call a file, `tokenizer.json` for one; default its name. */
  readonly nameOf?: (file: string) => string;
}

export interface PretrainedTokenizer extends Tokenizer {
  /** Contents of the tokens that the model's files call by name: `bos_token`, `eos_token`, `pad_token` and so on. */
  readonly namedTokens: ReadonlyMap<string, string>;
  /** The model's chat templates, for `createChatTemplate`; empty for a model without. */
  readonly chatTemplates: ChatTemplateSources;
}
