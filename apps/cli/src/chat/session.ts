/**
 * A conversation with a model: its messages so far, and answers to what the user says. Of what was said before, the keys
 * and values are kept: only what is new is read at each turn. Knows nothing of terminals.
 */
import { ValueError } from '@qsparse/core';
import type { ChatTemplate, Tokenizer } from '@qsparse/data';
import type { Decoder } from '@qsparse/layers';
import { createEngine, type EndReason, type Engine } from '@qsparse/models';
import type { ChatMessage, GenerateOptions } from 'qsparse';

export interface SessionOptions {
  readonly model: Decoder;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** What the model is told first. */
  readonly system?: string | undefined;
  readonly generation: GenerateOptions & { readonly maxTokens: number };
}

export interface Answer {
  readonly text: string;
  readonly tokens: number;
  readonly seconds: number;
  /** Until the first token: the time that reading the conversation takes. */
  readonly firstSeconds: number;
  /** `context`: the model sees no more tokens than the conversation has now. */
  readonly end: EndReason | 'context';
}

export interface Session {
  readonly messages: readonly ChatMessage[];
  /**
   * The answer, also in pieces. What was said stays in the conversation, an answer that was aborted too; an answer that
   * has no text leaves it as it was. Throws ValueError where the conversation fills the context.
   */
  answer(question: string, onPiece: (piece: string) => void, signal: AbortSignal): Promise<Answer>;
  /** Forgets all but what the model was told first. */
  reset(): void;
  /** Gives back the memory for keys and values. No answer may be running. */
  close(): Promise<void>;
}

/** Tokens that there is room for at first; a longer conversation gets twice as many, and is read once more then. */
const FIRST_ROOM = 1024;

export function createSession({ model, tokenizer, template, system, generation }: SessionOptions): Session {
  const first: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = first;
  let questions = 0;
  let engine: Engine | undefined;
  let room = 0;
  const engineFor = async (tokens: number): Promise<Engine> => {
    if (engine && tokens <= room) return engine;
    await engine?.close();
    const { contextLength } = model.config;
    const { chunkLength } = generation;
    room = Math.min(contextLength, Math.max(FIRST_ROOM, 2 ** Math.ceil(Math.log2(tokens))));
    engine = createEngine(model, tokenizer, { slots: 1, contextLength: room, chunkLength });
    return engine;
  };
  const { seed = 0, stopTokens = template.stopTokens } = generation;
  return {
    get messages() {
      return messages;
    },
    async answer(question, onPiece, signal) {
      const asked = [...messages, { role: 'user', content: question }];
      const prompt = template.encode(asked);
      const left = model.config.contextLength - prompt.length;
      if (left < 1) {
        const what = `the conversation has ${prompt.length} tokens, the model sees ${model.config.contextLength}`;
        throw new ValueError('chat', what, 'say less, or begin anew with /reset');
      }
      const maxTokens = Math.min(left, generation.maxTokens);
      const start = performance.now();
      const seconds = () => (performance.now() - start) / 1000;
      let [text, tokens, firstSeconds] = ['', 0, 0];
      let end: Answer['end'] = 'length';
      // Every answer has random numbers of its own: the same question twice need not have the same answer.
      const options = { ...generation, maxTokens, stopTokens, signal, seed: seed + questions++ };
      const { submit } = await engineFor(prompt.length + maxTokens);
      for await (const step of submit(prompt, options)) {
        if (step.token && ++tokens === 1) firstSeconds = seconds();
        if (step.text) onPiece(step.text);
        text += step.text;
        end = step.end ?? end;
      }
      if (text !== '') messages = [...asked, { role: 'assistant', content: text }];
      if (end === 'length' && maxTokens < generation.maxTokens) end = 'context';
      return { text, tokens, seconds: seconds(), firstSeconds, end };
    },
    reset() {
      messages = first;
      questions = 0;
    },
    close: async () => engine?.close(),
  };
}
