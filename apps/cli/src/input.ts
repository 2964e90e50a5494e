/** Where a command reads what the user types: a terminal or a pipe, line by line. Tests bring their own. */
import { createInterface } from 'node:readline';

export interface Input {
  /** Reads until closed. On a terminal Ctrl-C calls `onInterrupt`, also between two lines. */
  open(onInterrupt: () => void): LineReader;
}

export interface LineReader {
  /** Whether a person sits in front of it. */
  readonly isTerminal: boolean;
  /** The next line, without its end; undefined when there are no more. A terminal shows `prompt`. */
  next(prompt: string): Promise<string | undefined>;
  close(): void;
}

interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Standard input; nothing of it is taken before it is opened. */
export function processInput(streams: Streams = process): Input {
  return {
    open(onInterrupt) {
      const { stdin, stdout } = streams;
      const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
      const reader = createInterface({
        input: stdin,
        terminal: isTerminal,
        ...(isTerminal && { output: stdout }),
      });
      reader.on('SIGINT', onInterrupt);
      // Lines that come before they are asked for are kept.
      const lines = reader[Symbol.asyncIterator]();
      return {
        isTerminal,
        async next(prompt) {
          if (isTerminal) {
            reader.setPrompt(prompt);
            reader.prompt();
          }
          const { value, done } = await lines.next();
          return done ? undefined : value;
        },
        close: () => reader.close(),
      };
    },
  };
}
