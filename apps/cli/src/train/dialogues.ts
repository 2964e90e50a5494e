/** How a run turns dialogues into tokens: which chat template, which separator, and what it does with those that do not fit. */
import { readFile } from 'node:fs/promises';
import { createChatTemplate, type PretrainedTokenizer } from '@qsparse/data';
import {
  type Dialogue,
  type Example,
  encodeDialogue,
  plainChatTemplate,
  type RecordPlace,
  UnusableExampleError,
} from '@qsparse/data/tuning';
import { withFileErrors } from '@qsparse/formats/node';
import { requireSamplePrompt } from './data.ts';
import type { Settings } from './settings.ts';

export interface Dialogues {
  /** Throws UnusableExampleError and TextError naming file and line. */
  encode(dialogue: Dialogue, place: RecordPlace): Example;
  /** Undefined for what is left out, where the settings say so. */
  unlessUnusable<T>(make: () => T): T | undefined;
  /** What was left out so far. */
  readonly skipped: number;
  /** What a sample text goes on from: like the first dialogue that was encoded. Throws SettingError where it does not fit. */
  samplePrompt(): Int32Array;
  readonly stopTokens: readonly number[];
  /** For each checkpoint, so that chat speaks to the model as it was taught. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The template is the file that the settings name, that of the model, or headings in plain text; a run that goes on has its own
 * beside its checkpoint. Throws FileError and TokenizerError.
 */
export async function openDialogues(
  settings: Settings,
  tokenizer: PretrainedTokenizer,
  { resumed }: { readonly resumed: boolean },
): Promise<Dialogues> {
  const own = tokenizer.chatTemplates.get('default')?.template;
  const file = settings['chat-template'];
  const isGiven = file !== '' && !(resumed && own !== undefined);
  const given = isGiven ? await withFileErrors('train', file, () => readFile(file, 'utf8')) : undefined;
  const text = given ?? (own === undefined ? plainChatTemplate(tokenizer) : undefined);
  const template = await createChatTemplate(tokenizer, text === undefined ? {} : { template: text });
  const { context, separator, 'bad-rows': badRows, 'sample-prompt': prompt } = settings;
  const options = { tokenizer, template, context, separator, cut: badRows === 'cut' };
  let skipped = 0;
  let chats: boolean | undefined;
  return {
    stopTokens: template.stopTokens,
    files: text === undefined ? {} : { 'chat_template.jinja': text },
    get skipped() {
      return skipped;
    },
    encode(dialogue, place) {
      chats ??= 'messages' in dialogue;
      return encodeDialogue(dialogue, place, options);
    },
    unlessUnusable(make) {
      try {
        return make();
      } catch (error) {
        if (badRows === 'stop' || !(error instanceof UnusableExampleError)) throw error;
        skipped++;
        return undefined;
      }
    },
    samplePrompt() {
      if (settings['sample-every'] === 0) return new Int32Array();
      const ids = chats
        ? template.encode([{ role: 'user', content: prompt }])
        : tokenizer.encode(prompt + separator, { specialTokens: 'text' });
      requireSamplePrompt(ids, settings);
      return ids;
    },
  };
}
