/** Where a command prints: two streams, and what is known of the terminal. Tests bring their own. */

export interface Output {
  /** To standard output, as it is. */
  write(text: string): void;
  /** One line to standard output. */
  line(text: string): void;
  /** One line to standard error. */
  error(text: string): void;
  /** Whether standard output is a terminal, which shows one live line. */
  readonly isTerminal: boolean;
  /** Characters of a terminal line. */
  readonly columns: number;
  /** Called when the reader of standard output went away (`| head`); where nobody sets it, the process ends quietly. */
  onGone?: (() => void) | undefined;
}

/** The streams of this process. A full disk behind a redirect ends it with an error. */
export function processOutput(): Output {
  const { stdout, stderr } = process;
  const output: Output = {
    write: (text) => void stdout.write(text),
    line: (text) => void stdout.write(`${text}\n`),
    error: (text) => void stderr.write(`${text}\n`),
    isTerminal: stdout.isTTY === true,
    get columns() {
      return stdout.columns ?? 80;
    },
  };
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      output.error(`[qsparse] standard output: ${error.message}; nothing more can be printed`);
      process.exit(1);
    }
    if (output.onGone) output.onGone();
    else process.exit(0);
  });
  // Without standard error there is nobody to tell.
  stderr.on('error', () => {});
  return output;
}
