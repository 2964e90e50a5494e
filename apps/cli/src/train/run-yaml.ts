/** run.yaml: every setting of a run, resolved, with the texts it was trained on. Written once, read by --resume. */
import { readFileBytes } from '@qsparse/formats/node';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, stringify } from 'yaml';
import { parseSetting, SettingError, type Settings } from './settings.ts';

export interface RunFile {
  readonly preset?: string;
  readonly data?: readonly string[];
  readonly settings: Partial<Settings>;
}

/** Reads a run.yaml. Throws SettingError with file and line, FileError where it cannot be read. */
export async function readRunYaml(path: string): Promise<RunFile> {
  const source = new TextDecoder().decode(await readFileBytes(path));
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new SettingError(`[${path}:${line}:${col}] ${problem.message.split('\n')[0]}; correct the YAML`);
  }
  if (document.contents === null) return { settings: {} };
  if (!isMap(document.contents))
    throw new SettingError(`[${path}:1] must be a list of "key: value" lines; correct the file`);
  const settings: Record<string, unknown> = {};
  let preset: string | undefined;
  let data: readonly string[] | undefined;
  for (const { key, value } of document.contents.items) {
    const name = String(isScalar(key) ? key.value : key);
    const at = isScalar(key) && key.range ? lines.linePos(key.range[0]).line : 1;
    const where = `${path}:${at}`;
    const plain = isScalar(value) ? value.value : isSeq(value) ? value.toJSON() : value;
    if (name === 'data') data = textList(plain, where);
    else if (name === 'preset') preset = String(plain);
    else settings[name] = parseSetting(name, plain, where);
  }
  return {
    settings: settings as Partial<Settings>,
    ...(preset !== undefined && { preset }),
    ...(data && { data }),
  };
}

export function formatRunYaml(settings: Settings, data: readonly string[]): string {
  return stringify({ data, ...settings });
}

function textList(value: unknown, where: string): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.every((entry): entry is string => typeof entry === 'string')) return list;
  throw new SettingError(`[${where}] data must be a list of files, got ${JSON.stringify(value)}`);
}
