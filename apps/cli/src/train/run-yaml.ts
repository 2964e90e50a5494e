/** run.yaml: every setting of a run, resolved, with the texts it was trained on. Written by a run, read by --resume. */
import { dirname, resolve } from 'node:path';
import { readFileBytes } from '@qsparse/formats/node';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, stringify } from 'yaml';
import { BUNDLED } from './corpus.ts';
import { DEFAULT_PRESET } from './presets.ts';
import {
  mergeSettings,
  parseSetting,
  presetSettings,
  SettingError,
  type Settings,
  type SomeSettings,
} from './settings.ts';

export interface RunFile {
  readonly preset: string;
  /** Files, absolute or `bundled`; undefined where the file names none. */
  readonly data: readonly string[] | undefined;
  readonly settings: Settings;
  /** What the file itself says: its preset, and settings without those of the preset. */
  readonly own: { readonly preset: string | undefined; readonly settings: SomeSettings };
}

/**
 * Reads a run.yaml over its preset. Paths are relative to the file. Throws SettingError with file and line, FileError
 * where it cannot be read.
 * @param preset of the command line, which wins over the file's
 */
export async function readRunYaml(path: string, preset?: string): Promise<RunFile> {
  const lines = new LineCounter();
  const source = new TextDecoder().decode(await readFileBytes(path));
  const document = parseDocument(source, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    const [reason = ''] = problem.message.split(/:?\n| at line/);
    throw new SettingError(`[${path}:${line}:${col}] ${reason}; correct the YAML`);
  }
  const { contents } = document;
  if (contents !== null && !isMap(contents))
    throw new SettingError(`[${path}:1] the file must hold lines of "key: value"; correct it`);
  const given: Record<string, unknown> = Object.create(null);
  const where: Record<string, string> = Object.create(null);
  for (const { key, value } of contents?.items ?? []) {
    const name = String(isScalar(key) ? key.value : key);
    where[name] = `${path}:${isNode(key) && key.range ? lines.linePos(key.range[0]).line : 1}`;
    given[name] = plain(value, document, where[name]);
  }
  const { preset: own, data, ...rest } = given;
  if (own !== undefined && typeof own !== 'string')
    throw new SettingError(`[${where.preset}] preset must be a name, got ${JSON.stringify(own)}`);
  const settings: SomeSettings = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => {
      const parsed = parseSetting(name, value, where[name]!);
      const isPath = PATHS.includes(name) && typeof parsed === 'string' && parsed !== '';
      return [name, isPath ? resolve(dirname(path), parsed) : parsed];
    }),
  );
  const chosen = preset ?? own ?? DEFAULT_PRESET;
  return {
    preset: chosen,
    data: data === undefined ? undefined : textFiles(data, path, where.data!),
    settings: mergeSettings(presetSettings(chosen), settings, where.block ?? path),
    own: { preset: own, settings },
  };
}

/** A value without its YAML; an alias that explodes, or leads nowhere, is an error here. */
function plain(node: unknown, document: Document, where: string): unknown {
  try {
    return isNode(node) ? node.toJS(document) : node;
  } catch (error) {
    throw new SettingError(`[${where}] ${error instanceof Error ? error.message : error}; correct the YAML`);
  }
}

/** The text of a run.yaml that gives the same settings again. */
export function formatRunYaml(settings: Settings, data: readonly string[]): string {
  // Of the two that exclude each other, the one that acts.
  const { sparsity, block, tokenizer, vocabulary, ...rest } = settings;
  const selection = block === '' ? { sparsity } : { block };
  // A base brings its own tokenizer.
  return stringify({ data, ...selection, ...(settings.init === '' && { tokenizer, vocabulary }), ...rest });
}

/** Settings that name files. */
export const PATHS: readonly string[] = ['init', 'chat-template', 'validation-data'];

function textFiles(value: unknown, path: string, where: string): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((entry): entry is string => typeof entry === 'string' && entry !== ''))
    throw new SettingError(`[${where}] data must be a list of files, got ${JSON.stringify(value)}`);
  return list.map((file) => (file === BUNDLED ? BUNDLED : resolve(dirname(path), file)));
}
