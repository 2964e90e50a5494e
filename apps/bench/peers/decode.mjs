// What the programs that measure decoding share: the tokens, the timing, the memory.
import { readFileSync } from 'node:fs';

/** What the runner passes: MODEL THREADS PROMPT TOKENS TURNS. */
export function decodeArguments() {
  const [model, ...numbers] = process.argv.slice(2);
  const [threads, prompt, tokens, turns] = numbers.map(Number);
  return { model, threads, prompt, tokens, turns };
}

/** Within every vocabulary that is used, none of them special. */
export const someTokens = (count) => Array.from({ length: count }, (_, i) => 3 + ((i * 7919) % 250));

/** Tokens a second, of calls that took so many milliseconds. */
export function rates(count, times) {
  const all = times.map((time) => (1000 * count) / time).sort((a, b) => b - a);
  return { best: all[0], median: all[all.length >> 1] };
}

/** The most memory that this process has held, in MB; undefined where the system does not say. */
export function peakMegabytes(status = '/proc/self/status') {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8')) ?? [];
    return kilobytes && (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}

export function print(result) {
  console.log(JSON.stringify(result));
  process.exit(0);
}
