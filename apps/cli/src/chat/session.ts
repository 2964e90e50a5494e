/** A conversation with a model: its messages so far, and answers to what the user says. Knows nothing of terminals. */
import { ValueError } from '@qsparse/core';
import type { ChatTemplate, Tokenizer } from '@qsparse/data';
import type { Decoder } from '@qsparse/layers';
import type { EndReason } from '@qsparse/models';
import { type ChatMessage, type GenerateOptions, generateSteps } from 'qsparse';

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
}

export function createSession({ model, tokenizer, template, system, generation }: SessionOptions): Session {
  const first: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = first;
  let questions = 0;
  const { seed = 0, stopTokens = template.stopTokens } = generation;
  return {
    get messages() {
      return messages;
    },
    async answer(question, onPiece, signal) {
      const asked = [...messages, { role: 'user', content: question }];
      const prompt = template.encode(asked);
      const room = model.config.contextLength - prompt.length;
      if (room < 1) {
        const what = `the conversation has ${prompt.length} tokens, the model sees ${model.config.contextLength}`;
        throw new ValueError('chat', what, 'say less, or begin anew with /reset');
      }
      const maxTokens = Math.min(room, generation.maxTokens);
      const start = performance.now();
      const seconds = () => (performance.now() - start) / 1000;
      let [text, tokens, firstSeconds] = ['', 0, 0];
      let end: Answer['end'] = 'length';
      // Every answer has random numbers of its own: the same question twice need not have the same answer.
      const options = { ...generation, maxTokens, stopTokens, signal, seed: seed + questions++ };
      for await (const step of generateSteps(model, tokenizer, prompt, options)) {
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
  };
}
