/** What a command is, and how its arguments are read. Wrong use is a UsageError: exit code 2. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestName } from '@qsparse/formats';
import { BACKENDS, type DeviceName } from 'qsparse';
import type { Input } from './input.ts';
import type { Output } from './output.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** Shown in the help as `--name VALUE`. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  /** After the command's name: `MODEL --prompt TEXT`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Most positional arguments that make sense. */
  readonly positionals: number;
  /** Returns the exit code. */
  run(args: Arguments, output: Output, input: Input): Promise<number>;
}

export interface Arguments {
  readonly positionals: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** The user asked for something that does not exist or does not fit: one line, exit code 2. */
export class UsageError extends Error {
  readonly code: string = 'usage';
}

/** Options that every command has. */
export const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'print one JSON object a line, for programs' },
  debug: { type: 'boolean', help: 'print stack traces' },
  help: { type: 'boolean', help: 'print this help' },
};

/** Options of the commands that compute. */
export const DEVICE_OPTIONS: Readonly<Record<'device' | 'threads', Option>> = {
  device: {
    type: 'string',
    value: 'NAME',
    help: `${BACKENDS.map(({ name }) => name).join(', ')} or auto (default)`,
  },
  threads: { type: 'string', value: 'N', help: 'threads of the cpu device (default: all cores)' },
};

/** The command as the user typed it, for the lines that say what to type next. */
export const PROGRAM: string = process.env.QSPARSE_COMMAND ?? 'qsparse';

/** Throws UsageError for an unknown option, a missing value or too many arguments. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const known = { ...command.options, ...COMMON };
  const options: ParseArgsConfig['options'] = {};
  for (const [name, { type, multiple }] of Object.entries(known))
    options[name] = { type, multiple: multiple ?? false, ...(name === 'help' && { short: 'h' }) };
  const fail = (what: string): never => {
    throw new UsageError(`[${command.name}] ${what}; see ${PROGRAM} ${command.name} --help`);
  };
  // First loosely, so that an unknown option is met with the nearest one.
  for (const token of parseArgs({ args: [...argv], options, strict: false, tokens: true }).tokens) {
    if (token.kind !== 'option' || Object.hasOwn(known, token.name)) continue;
    const near = nearestName(token.name, Object.keys(known));
    fail(`there is no option ${token.rawName}${near ? `, did you mean --${near}?` : ''}`);
  }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    if (positionals.length <= command.positionals)
      return { positionals, flags: values as Arguments['flags'] };
    return fail(`at most ${command.positionals} arguments are taken, got "${positionals.at(-1)}" too`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return fail(reasonOf(error instanceof Error ? error.message : String(error)));
  }
}

/** The first sentence of Node's message, without its form of a heading. */
function reasonOf(message: string): string {
  const [, name, problem] = /^Option '(--[\w-]+)[^']*' argument (missing|is ambiguous)/.exec(message) ?? [];
  if (name && problem === 'missing') return `${name} takes a value, got none`;
  if (name) return `${name} takes a value; one that begins with a dash is written ${name}=-1`;
  const [first = ''] = message.split(/\.? *\n|\. /);
  return first.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
}

/** A whole number from a flag. Throws UsageError. */
export function integerFlag(
  command: string,
  name: string,
  text: unknown,
  { min = 0 }: { readonly min?: number } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError(`[${command}] --${name} must be a whole number of at least ${min}, got "${text}"`);
}

/** A number from a flag. Throws UsageError. */
export function numberFlag(command: string, name: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const value = text === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new UsageError(`[${command}] --${name} must be a number, got "${text}"`);
}

export interface DeviceFlags {
  readonly device: DeviceName;
  readonly threads: number | undefined;
}

/** The device to open, from its flags. Throws UsageError for one that does not exist. */
export function deviceFlags(command: string, { flags }: Arguments): DeviceFlags {
  const names = ['auto', ...BACKENDS.map(({ name }) => name)];
  const name = String(flags.device ?? 'auto');
  if (!names.includes(name)) {
    const near = nearestName(name, names);
    const hint = near ? `did you mean ${near}?` : `choose one of ${names.join(', ')}`;
    throw new UsageError(`[${command}] there is no device "${name}"; ${hint}`);
  }
  return { device: name as DeviceName, threads: integerFlag(command, 'threads', flags.threads, { min: 1 }) };
}

/** The first positional argument. Throws UsageError where it is missing. */
export function requiredPositional(
  command: Command,
  { positionals }: Arguments,
  what: string,
  hint?: string,
): string {
  const [first] = positionals;
  if (first !== undefined && first !== '') return first;
  throw new UsageError(
    `[${command.name}] ${what} is missing; usage: ${PROGRAM} ${command.name} ${command.usage}${hint === undefined ? '' : `; ${hint}`}`,
  );
}
