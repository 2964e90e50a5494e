/** The loop of a terminal chat: lines in, answers out, and what begins with a slash. */
import { ValueError } from '@qsparse/core';
import { FileError, writeFileAtomic } from '@qsparse/formats/node';
import type { LineReader } from '../input.ts';
import type { Output } from '../output.ts';
import type { Answer, Session } from './session.ts';

export interface TalkOptions {
  readonly session: Session;
  readonly reader: LineReader;
  readonly output: Output;
  /** One JSON object a line in place of text. */
  readonly json: boolean;
}

export interface Talk {
  /** Returns at the end of input or after `end`. Throws what answering throws. */
  run(): Promise<void>;
  /** Stops the answer that is being written; false where there is none. */
  stopAnswer(): boolean;
  /** Stops the answer and the loop. */
  end(): void;
}

export const HELP: readonly string[] = [
  '/reset      forget the conversation',
  '/save FILE  write the conversation to a file, as JSON',
  '/help       show this',
  'Ctrl-C stops an answer, Ctrl-D ends the chat.',
];

const REASONS: Readonly<Record<Answer['end'], string>> = {
  stop: '',
  length: 'cut off by --max-tokens',
  context: 'the context is full, /reset begins anew',
  aborted: 'stopped',
};

export function createTalk({ session, reader, output, json }: TalkOptions): Talk {
  let answering: AbortController | undefined;
  let isEnded = false;
  let finish = (): void => {};
  const finished = new Promise<undefined>((resolve) => {
    finish = () => resolve(undefined);
  });
  const event = (name: string, data: object, lines: readonly string[]): void => {
    if (json) output.line(JSON.stringify({ event: name, ...data }));
    else for (const line of lines) output.line(line);
  };
  // What a model writes must not steer the terminal.
  const shown = (piece: string): string =>
    output.isTerminal ? piece.replace(/(?![\n\t])\p{Cc}/gu, '\uFFFD') : piece;
  const problem = (message: string): void => event('problem', { message }, [message]);

  async function answer(question: string): Promise<void> {
    answering = new AbortController();
    try {
      const show = (piece: string): void => (json ? undefined : output.write(shown(piece)));
      const given = await session.answer(question, show, answering.signal);
      const speed = tokensPerSecond(given);
      event('answer', { ...given, tokensPerSecond: speed }, ['', statistics(given, speed)]);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problem(error.message); // it did not fit: shorter words may
    } finally {
      answering = undefined;
    }
  }

  async function obey(line: string): Promise<void> {
    const [name = '', ...rest] = line.split(/\s+/);
    const file = rest.join(' ');
    if (name === '/help') event('help', { lines: HELP }, HELP);
    else if (name === '/reset') {
      session.reset();
      event('reset', {}, ['The conversation is forgotten.']);
    } else if (name === '/save' && file !== '') await save(file);
    else if (name === '/save') problem('/save takes the name of a file');
    else problem(`there is no ${name}; /help shows what there is`);
  }

  async function save(file: string): Promise<void> {
    try {
      await writeFileAtomic(file, `${JSON.stringify({ messages: session.messages }, null, 2)}\n`);
      event('saved', { file }, [`Saved to ${file}.`]);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problem(error.message);
    }
  }

  return {
    async run() {
      while (!isEnded) {
        const line = await Promise.race([reader.next('> '), finished]);
        if (line === undefined) return;
        const text = line.trim();
        if (text.startsWith('/')) await obey(text);
        else if (text !== '') await answer(text);
      }
    },
    stopAnswer() {
      answering?.abort();
      return answering !== undefined;
    },
    end() {
      isEnded = true;
      answering?.abort();
      finish();
    },
  };
}

/** Without the time that reading the conversation took, where there is more than one token. */
function tokensPerSecond({ tokens, seconds, firstSeconds }: Answer): number {
  const rate = tokens > 1 ? (tokens - 1) / (seconds - firstSeconds) : tokens / seconds;
  return Number.isFinite(rate) ? rate : 0;
}

function statistics({ tokens, firstSeconds, end }: Answer, speed: number): string {
  const parts = [
    `${tokens} token${tokens === 1 ? '' : 's'}`,
    `${speed.toFixed(1)} tokens/s`,
    `first after ${firstSeconds.toFixed(2)} s`,
    REASONS[end],
  ];
  return `[${parts.filter(Boolean).join(', ')}]`;
}
