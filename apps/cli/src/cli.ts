/**
 * The command line: finds the subcommand, loads it, prints errors as one line. Exit codes: 0 done, 1 failed, 2 wrong use,
 * 128 and the signal's number where a command was asked to stop.
 */
import { readFileSync } from 'node:fs';
import { nearestName } from '@qsparse/formats';
import { COMMON, type Command, type Option, PROGRAM, parseArguments, UsageError } from './command.ts';
import { type Input, processInput } from './input.ts';
import type { Output } from './output.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  train: { summary: 'train a model on text', load: () => import('./commands/train.ts') },
  generate: { summary: 'continue a text with a model', load: () => import('./commands/generate.ts') },
  chat: { summary: 'talk to a model in the terminal', load: () => import('./commands/chat.ts') },
  serve: { summary: "serve a model as OpenAI's API", load: () => import('./commands/serve.ts') },
  convert: { summary: 'write a model as a Q-Sparse model', load: () => import('./commands/convert.ts') },
  merge: {
    summary: 'write a LoRA adapter and its base as one model',
    load: () => import('./commands/merge.ts'),
  },
  export: {
    summary: 'write a model for transformers or llama.cpp',
    load: () => import('./commands/export.ts'),
  },
  eval: {
    summary: 'evaluate a model: perplexity, multiple choice',
    load: () => import('./commands/eval.ts'),
  },
  report: { summary: 'compare training runs in one HTML file', load: () => import('./commands/report.ts') },
  scaling: {
    summary: 'fit the scaling law, find the optimal sparsity, train a grid',
    load: () => import('./commands/scaling.ts'),
  },
  verify: { summary: 'check a device against golden numbers', load: () => import('./commands/verify.ts') },
  inspect: {
    summary: 'show what is in a model, run, safetensors or GGUF file',
    load: () => import('./commands/inspect.ts'),
  },
  bench: { summary: 'time training steps on a device', load: () => import('./commands/bench.ts') },
  doctor: {
    summary: 'show which devices work here, and why not',
    load: () => import('./commands/doctor.ts'),
  },
};

/** Runs one command line and returns its exit code. Throws nothing. */
export async function runCli(
  [name, ...argv]: readonly string[],
  output: Output,
  input: Input = processInput(),
): Promise<number> {
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      output.line(overview());
      return name === undefined ? 2 : 0;
    }
    if (name === '--version') {
      output.line(version());
      return 0;
    }
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!entry) {
      const near = nearestName(name, Object.keys(COMMANDS));
      const hint = near ? `did you mean "${near}"?` : `see ${PROGRAM} --help`;
      throw new UsageError(`[qsparse] there is no command "${name}"; ${hint}`);
    }
    const { command } = await entry.load();
    const args = parseArguments(command, argv);
    if (args.flags.help) {
      output.line(helpOf(command));
      return 0;
    }
    return await command.run(args, output, input);
  } catch (error) {
    if (argv.includes('--debug')) output.error(error instanceof Error ? String(error.stack) : String(error));
    else if (argv.includes('--json'))
      output.error(JSON.stringify({ error: messageOf(error), code: codeOf(error) }));
    else output.error(messageOf(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : 'unexpected';

/** Ours are whole sentences already; anything else is a fault worth a report. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && message.startsWith('[')) return message;
  const [line] = message.split('\n');
  return `[qsparse] unexpected failure: ${line}; run again with --debug and report it`;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`);
  return [
    `usage: ${PROGRAM} COMMAND [options]`,
    '',
    ...lines,
    '',
    `${PROGRAM} COMMAND --help shows the options of a command.`,
  ].join('\n');
}

function helpOf(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON });
  const flagOf = ([name, { value }]: [string, Option]) => `--${name}${value ? ` ${value}` : ''}`;
  const width = Math.max(...options.map((option) => flagOf(option).length));
  return [
    command.summary,
    '',
    `usage: ${PROGRAM} ${command.name} ${command.usage}`,
    '',
    ...options.map((option) => `  ${flagOf(option).padEnd(width)}  ${option[1].help}`),
  ].join('\n');
}
