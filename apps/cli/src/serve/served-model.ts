/** What the routes need of a model: its name, its tokenizer, its engine, and the limits of a request. */
import type { ChatTemplate, Tokenizer } from '@qsparse/data';
import type { Engine, EngineStats } from '@qsparse/models';
import type { TokenTexts } from './token-texts.ts';

export interface ServedModel {
  /** What clients call it. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly tokenizer: Tokenizer;
  readonly tokenTexts: TokenTexts;
  /** Undefined for a model that was not trained to talk. */
  readonly template: ChatTemplate | undefined;
  readonly contextLength: number;
  readonly engine: Pick<Engine, 'submit' | 'slots'> & {
    stats(): Pick<EngineStats, 'active' | 'queued' | 'reusedTokens'>;
  };
}

export interface Limits {
  /** Bytes of a body. */
  readonly body: number;
  /** Texts that one request may ask for: prompts times `n`. */
  readonly texts: number;
  /** Tokens that one text may add; default: what the context has room for. */
  readonly maxTokens: number | undefined;
}
