/** The command line in this process, with what it prints; and texts and settings for small, fast runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../src/cli.ts';
import type { Input } from '../src/input.ts';
import type { Output } from '../src/output.ts';

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Captured extends Output {
  out: string;
  err: string;
}

export function capturedOutput({ isTerminal = false, columns = 80 } = {}): Captured {
  return {
    out: '',
    err: '',
    isTerminal,
    columns,
    write(text) {
      this.out += text;
    },
    line(text) {
      this.out += `${text}\n`;
    },
    error(text) {
      this.err += `${text}\n`;
    },
  };
}

export async function cli(...argv: readonly string[]): Promise<Ended> {
  const output = capturedOutput();
  const code = await runCli(argv, output);
  return { code, out: output.out, err: output.err };
}

/** The command line with lines that come from `next`; undefined ends them. */
export async function cliWith(
  next: (prompt: string, interrupt: () => void) => Promise<string | undefined> | string | undefined,
  argv: readonly string[],
  { isTerminal = false, output = capturedOutput() } = {},
): Promise<Ended> {
  const input: Input = {
    open: (onInterrupt) => ({
      isTerminal,
      next: async (prompt) => next(prompt, onInterrupt),
      close() {},
    }),
  };
  const code = await runCli(argv, output, input);
  return { code, out: output.out, err: output.err };
}

/** A folder of its own, and what removes it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'qsparse-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A few kilobytes of text that a model can learn something from. */
export function writeText(folder: string, lines: number = 300): string {
  const path = join(folder, 'text.txt');
  const words = ['river', 'stone', 'light', 'under', 'walks', 'sings'];
  const line = (i: number) => `The ${words[i % 6]} ${words[(i * i) % 6]} ${i % 10}.`;
  writeFileSync(path, Array.from({ length: lines }, (_, i) => line(i)).join('\n'));
  return path;
}

/** Settings of a model that takes milliseconds a step in float64. */
export const SMALL: readonly string[] = [
  ...['--device', 'reference', '--layers', '1', '--width', '8', '--heads', '2', '--kv-heads', '1'],
  ...['--feed-forward', '16', '--context', '8', '--batch', '2', '--warmup', '2', '--tokenizer', 'byte'],
  ...['--learning-rate', '0.01', '--validation-batches', '2', '--sample-every', '0'],
];
