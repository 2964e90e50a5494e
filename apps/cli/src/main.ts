#!/usr/bin/env node
/** The `qsparse` command: finds the subcommand, loads it, prints errors as one line. Exit codes: 0 done, 1 failed, 2 wrong use. */
import { nearestName } from '@qsparse/formats';
import { COMMON, type Command, type Option, PROGRAM, parseArguments, UsageError } from './command.ts';

const COMMANDS: Readonly<
  Record<string, { readonly summary: string; load(): Promise<{ readonly command: Command }> }>
> = {
  train: { summary: 'train a model on text', load: () => import('./commands/train.ts') },
  generate: { summary: 'continue a text with a model', load: () => import('./commands/generate.ts') },
  verify: { summary: 'check a device against golden numbers', load: () => import('./commands/verify.ts') },
  inspect: {
    summary: 'show what is in a model, run or safetensors file',
    load: () => import('./commands/inspect.ts'),
  },
  doctor: {
    summary: 'show which devices work here, and why not',
    load: () => import('./commands/doctor.ts'),
  },
};

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...argv]: string[]): Promise<number> {
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      console.log(overview());
      return name === undefined ? 2 : 0;
    }
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!entry) {
      const near = nearestName(name, Object.keys(COMMANDS));
      throw new UsageError(
        `[qsparse] there is no command "${name}"; ${near ? `did you mean "${near}"?` : `see ${PROGRAM} --help`}`,
      );
    }
    const { command } = await entry.load();
    const args = parseArguments(command, argv);
    if (args.flags.help) {
      console.log(helpOf(command));
      return 0;
    }
    return await command.run(args);
  } catch (error) {
    return report(error, argv);
  }
}

function report(error: unknown, argv: readonly string[]): number {
  const code = error instanceof UsageError ? 2 : 1;
  if (argv.includes('--debug')) console.error(error);
  else if (argv.includes('--json'))
    console.error(
      JSON.stringify({ error: messageOf(error), code: (error as { code?: unknown })?.code ?? 'unexpected' }),
    );
  else console.error(messageOf(error));
  return code;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Ours are whole sentences already; anything else is a fault worth a report with its trace.
  const expected = 'code' in error;
  return expected
    ? error.message
    : `[qsparse] unexpected failure: ${error.message}; run again with --debug and report it`;
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
  const line = ([name, { value, help }]: [string, Option]) =>
    `  --${`${name}${value ? ` ${value}` : ''}`.padEnd(26)} ${help}`;
  return [
    `${command.summary}`,
    '',
    `usage: ${PROGRAM} ${command.name} ${command.usage}`,
    '',
    ...Object.entries(command.options).map(line),
    ...Object.entries(COMMON).map(line),
  ].join('\n');
}
