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
  /**
   * Called when standard output can take no more: its reader went away (`| head`), its disk is full. Where nobody sets
   * it, the process ends.
   */
  onGone?: (() => void) | undefined;
}

/** The streams of this process. */
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
  let isGone = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isGone) return;
    isGone = true;
    const wentAway = error.code === 'EPIPE';
    if (!wentAway) output.error(`[qsparse] standard output: ${error.message}; nothing more can be printed`);
    if (output.onGone) output.onGone();
    else process.exit(wentAway ? 0 : 1);
  });
  // Without standard error there is nobody to tell.
  stderr.on('error', () => {});
  return output;
}
