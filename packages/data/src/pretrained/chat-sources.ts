/** Where a model's files keep its chat templates. */
import { decodeUtf8, type ObjectReader, parseConfig, readObject } from '@qsparse/formats';
import type { NameOf, TokenizerFiles } from './named-tokens.ts';

export interface ChatTemplateSource {
  readonly template: string;
  /** Where it comes from, for messages. */
  readonly file: string;
}

/** By name; most models have one, `default`. */
export type ChatTemplateSources = ReadonlyMap<string, ChatTemplateSource>;

/** Holds templates beside the default one, as NAME.jinja. */
export const CHAT_TEMPLATE_FOLDER = 'additional_chat_templates';

/** Later files replace earlier ones, as transformers has it. Throws `FormatError` for what is no text or no template. */
export function readChatTemplates(files: TokenizerFiles, nameOf: NameOf): ChatTemplateSources {
  const sources = new Map<string, ChatTemplateSource>();
  for (const file of ['chat_template.json', 'tokenizer_config.json']) {
    const source = files[file];
    if (source === undefined) continue;
    const name = nameOf(file);
    const reader = readObject(parseConfig(source, name), name);
    for (const [key, template] of templatesIn(reader)) sources.set(key, { template, file: name });
  }
  for (const [file, source] of Object.entries(files)) {
    const key = templateName(file);
    if (key === undefined) continue;
    const name = nameOf(file);
    const template =
      typeof source === 'string'
        ? source
        : decodeUtf8(source, { label: 'chat template', file: name, dropMark: true });
    sources.set(key, { template, file: name });
  }
  return sources;
}

function templateName(file: string): string | undefined {
  if (file === 'chat_template.jinja') return 'default';
  const [folder, name] = file.split('/');
  return folder === CHAT_TEMPLATE_FOLDER && name?.endsWith('.jinja')
    ? name.slice(0, -'.jinja'.length)
    : undefined;
}

/** One template, or a list of them with names. */
function templatesIn(reader: ObjectReader): (readonly [name: string, template: string])[] {
  const key = 'chat_template';
  if (!reader.has(key)) return [];
  if (!Array.isArray(reader.get(key))) return [['default', reader.string(key)]];
  return reader.objects(key).map((item) => [item.string('name'), item.string('template')]);
}
