/** Conversations as the text and the tokens that a chat model was trained on, by the template in its own files. */
import { quoted, TokenizerError } from '../errors.ts';
import type { ChatTemplateSource } from '../pretrained/chat-sources.ts';
import type { PretrainedTokenizer } from '../pretrained/pretrained-tokenizer.ts';
import { createSpecialSplitter } from '../tokenizer/special-tokens.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { RenderTemplate } from './jinja.ts';

export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`: what the template knows. */
  readonly role: string;
  readonly content?: string | null;
  /** Anything more that a template reads: `tool_calls`, `reasoning_content`. JSON values. */
  readonly [key: string]: unknown;
}

export interface ChatOptions {
  /** Ends with the beginning of an answer, for the model to go on with; default true. */
  readonly addGenerationPrompt?: boolean;
  /** JSON schemas of functions. Refused by a template that has no place for them: see `acceptsTools`. */
  readonly tools?: readonly object[];
  /** More variables for the template: `enable_thinking`, `date_string`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface ChatEncodeOptions extends ChatOptions {
  /**
   * What special tokens mean that a message other than the assistant's spells: `text` (default) takes them as letters,
   * so that no one but the template can end a turn; `parse` is what Hugging Face does.
   */
  readonly specialTokens?: 'parse' | 'text';
}

export interface ChatTemplate {
  /** Whether the template can show tools to the model. */
  readonly acceptsTools: boolean;
  /** The tokenizer's, and the token that the template puts after an answer. */
  readonly stopTokens: readonly number[];
  /** Throws `TokenizerError` (`chat-template`) for messages that the template refuses, with its reason. */
  render(messages: readonly ChatMessage[], options?: ChatOptions): string;
  /** Ids of the rendered text, to which nothing is added: a template writes the beginning of text itself. */
  encode(messages: readonly ChatMessage[], options?: ChatEncodeOptions): Int32Array;
}

export interface ChatTemplateOptions {
  /** Which of the model's templates; default `default`, and `tool_use` where there is one and tools are given. */
  readonly name?: string;
  /** A Jinja template to take in place of the model's own. */
  readonly template?: string;
}

/** What a template needs to know of a tokenizer; one that was trained here has neither names nor templates. */
export type ChatTokenizer = Tokenizer & Partial<Pick<PretrainedTokenizer, 'namedTokens' | 'chatTemplates'>>;

/** Templates of models have some ten thousand characters at most. */
const LONGEST = 200_000;

/** Throws `TokenizerError` (`chat-template`) when the model has no such template or it is not Jinja. */
export async function createChatTemplate(
  tokenizer: ChatTokenizer,
  options: ChatTemplateOptions = {},
): Promise<ChatTemplate> {
  const { compileTemplate } = await import('./jinja.ts');
  const compile = ({ template, file }: ChatTemplateSource): RenderTemplate =>
    guarded(file, () => {
      if (template.length > LONGEST) throw new Error(`it has more than ${LONGEST} characters`);
      const render = compileTemplate(template);
      return (variables) => guarded(file, () => render(variables));
    });
  const source = findSource(tokenizer, options);
  const toolSource = options.name || options.template ? undefined : tokenizer.chatTemplates?.get('tool_use');
  const plain = compile(source);
  const withTools = toolSource ? compile(toolSource) : plain;
  const acceptsTools = /\btools\b/.test((toolSource ?? source).template);

  const render = (messages: readonly ChatMessage[], chat: ChatOptions = {}): string => {
    const { addGenerationPrompt = true, tools, variables } = chat;
    checkMessages(messages);
    if (tools && !acceptsTools) {
      fail(`the template of ${source.file} has no place for tools, got ${tools.length}`, 'leave them out');
    }
    return (tools ? withTools : plain)({
      ...Object.fromEntries(tokenizer.namedTokens ?? []),
      documents: null,
      ...variables,
      messages,
      tools: tools ?? null,
      add_generation_prompt: addGenerationPrompt,
    });
  };
  return {
    acceptsTools,
    stopTokens: [...new Set([...tokenizer.stopTokens, ...endOfTurn(render, tokenizer)])],
    render,
    encode(messages, { specialTokens = 'text', ...chat } = {}) {
      checkMessages(messages);
      if (specialTokens === 'parse')
        return tokenizer.encode(render(messages, chat), { addSpecialTokens: false });
      const guard = unusedCharacter(messages);
      const text = render(guardMessages(messages, guard, tokenizer), chat);
      return tokenizer.encode(text, { addSpecialTokens: false, guard });
    },
  };
}

function findSource(tokenizer: ChatTokenizer, options: ChatTemplateOptions): ChatTemplateSource {
  if (options.template !== undefined) return { template: options.template, file: 'options.template' };
  const { name = 'default' } = options;
  const sources = tokenizer.chatTemplates;
  const source = sources?.get(name);
  if (source) return source;
  const names = [...(sources?.keys() ?? [])].map(quoted).join(', ');
  if (names) return fail(`the model has no chat template ${quoted(name)}`, `set name to one of ${names}`);
  return fail(
    'the model has no chat template, neither in tokenizer_config.json nor as chat_template.jinja',
    'it was not trained to chat: let it continue plain text, or give a template of your own as options.template',
  );
}

function fail(what: string, hint: string, cause?: unknown): never {
  throw new TokenizerError('chat-template', 'createChatTemplate', what, hint, cause);
}

/** Errors of templates are messages to people: roles that must alternate, say. */
function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`the chat template of ${file} says: ${reason}`, 'change the messages or the template', error);
  }
}

function checkMessages(messages: readonly ChatMessage[]): void {
  const refuse = (what: string): never => fail(what, 'give { role, content } objects');
  if (!Array.isArray(messages) || messages.length === 0) refuse('there must be at least one message');
  for (const [index, message] of messages.entries()) {
    if (typeof message !== 'object' || message === null || typeof message.role !== 'string')
      refuse(`message ${index} must be an object with a role`);
  }
}

/** The token that follows an answer, as the template itself shows. */
function endOfTurn(render: ChatTemplate['render'], tokenizer: Tokenizer): number[] {
  const answer = 'ANSWER';
  const messages = [
    { role: 'user', content: 'QUESTION' },
    { role: 'assistant', content: answer },
  ];
  let text: string;
  try {
    text = render(messages, { addGenerationPrompt: false });
  } catch {
    // It wants other messages than these two: then nothing can be said.
    return [];
  }
  const place = text.lastIndexOf(answer);
  if (place < 0) return [];
  const rest = text.slice(place + answer.length).trimStart();
  const { split } = createSpecialSplitter(tokenizer.specialTokens.keys());
  const [before, token] = split(rest);
  return before === '' && token !== undefined ? [tokenizer.specialTokens.get(token)!] : [];
}

/** Of the code points that Unicode keeps free for such uses. */
function unusedCharacter(messages: readonly ChatMessage[]): string {
  const text = jsonOf(messages);
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) return character;
  }
  return fail('the messages hold all of the characters U+FDD0 to U+FDEF', 'leave one of them out');
}

function jsonOf(messages: readonly ChatMessage[]): string {
  try {
    return JSON.stringify(messages);
  } catch (error) {
    return fail('messages must hold JSON values alone', 'give { role, content } objects', error);
  }
}

/** Messages of others than the assistant with `guard` inside of each special token that they spell. */
function guardMessages(
  messages: readonly ChatMessage[],
  guard: string,
  tokenizer: Tokenizer,
): readonly ChatMessage[] {
  const special = tokenizer.toJson().added_tokens.filter((token) => token.special);
  const { split } = createSpecialSplitter(special.map(({ content }) => content));
  const protect = (value: unknown): unknown => {
    if (typeof value === 'string')
      return split(value)
        .map((part, index) => (index % 2 === 1 ? guardedToken(part, guard) : part))
        .join('');
    if (Array.isArray(value)) return value.map(protect);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, protect(item)]));
  };
  return messages.map((message) =>
    message.role === 'assistant' ? message : (protect(message) as ChatMessage),
  );
}

function guardedToken(token: string, guard: string): string {
  const [first = ''] = token;
  return first + guard + token.slice(first.length);
}
