/** What a command is, and how its arguments are read. Wrong use is a UsageError: exit code 2. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

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
  run(args: Arguments): Promise<number>;
}

export interface Arguments {
  readonly positionals: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/** The user asked for something that does not exist: one line, exit code 2. */
export class UsageError extends Error {
  readonly code = 'usage';
}

/** Options that every command has. */
export const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'print one JSON object a line, for programs' },
  debug: { type: 'boolean', help: 'print stack traces' },
  help: { type: 'boolean', help: 'print this help' },
};

/** The command as the user typed it, for the lines that say what to type next. */
export const PROGRAM: string = process.env.QSPARSE_COMMAND ?? 'qsparse';

/** Throws UsageError for an unknown option, a missing value or too many arguments. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const known = { ...command.options, ...COMMON };
  const options: ParseArgsConfig['options'] = {};
  for (const [name, { type, multiple }] of Object.entries(known))
    options[name] = { type, multiple: multiple ?? false };
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: true,
      strict: true,
    });
    if (positionals.length > command.positionals) {
      throw new UsageError(
        `[${command.name}] takes at most ${command.positionals} arguments, got "${positionals.at(-1)}" too; see ${PROGRAM} ${command.name} --help`,
      );
    }
    return { positionals, flags: values as Arguments['flags'] };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const [reason] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    throw new UsageError(`[${command.name}] ${reason}; see ${PROGRAM} ${command.name} --help`);
  }
}

/** A whole number from a flag. Throws UsageError. */
export function integerFlag(
  command: string,
  name: string,
  text: unknown,
  { min = 0 }: { readonly min?: number } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError(`[${command}] --${name} must be a whole number of at least ${min}, got "${text}"`);
}

/** A number from a flag. Throws UsageError. */
export function numberFlag(command: string, name: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return value;
  throw new UsageError(`[${command}] --${name} must be a number, got "${text}"`);
}

/** The first positional argument. Throws UsageError where it is missing. */
export function requiredPositional(command: Command, { positionals }: Arguments, what: string): string {
  const [first] = positionals;
  if (first === undefined)
    throw new UsageError(
      `[${command.name}] ${what} is missing; usage: ${PROGRAM} ${command.name} ${command.usage}`,
    );
  return first;
}
