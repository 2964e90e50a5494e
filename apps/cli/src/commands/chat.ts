/** `qsparse chat MODEL`: a conversation in the terminal, or one whose lines come through a pipe. */
import { readFile } from 'node:fs/promises';
import { ValueError } from '@qsparse/core';
import { type ChatTemplate, createChatTemplate, type PretrainedTokenizer } from '@qsparse/data';
import { withFileErrors } from '@qsparse/formats/node';
import { createSession } from '../chat/session.ts';
import { createTalk, HELP } from '../chat/talk.ts';
import { type Command, DEVICE_OPTIONS, deviceFlags, PROGRAM, requiredPositional } from '../command.ts';
import { INTERRUPTED, listenForInterrupt, onSignals, type SignalName } from '../interrupt.ts';
import { MODEL_OPTIONS, modelFlags, openModel } from '../model-options.ts';
import { openDevice } from '../open-device.ts';
import { TEXT_OPTIONS, textOptions } from '../text-options.ts';

export const command: Command = {
  name: 'chat',
  usage: 'MODEL [--system TEXT] [--max-tokens N] [--temperature T] [--seed N]',
  summary: 'Talks to a model that has a chat template; /help shows what can be typed.',
  positionals: 1,
  options: {
    system: { type: 'string', value: 'TEXT', help: 'what the model is told first' },
    template: { type: 'string', value: 'FILE', help: "a Jinja chat template in place of the model's own" },
    ...TEXT_OPTIONS,
    ...MODEL_OPTIONS,
    ...DEVICE_OPTIONS,
  },
  async run(args, output, input) {
    const path = requiredPositional(command, args, 'the model folder');
    const { system, template: templateFile } = args.flags as Record<string, string | undefined>;
    const json = args.flags.json === true;
    const generation = textOptions('chat', args);
    const source = modelFlags('chat', args);
    const note = (line: string): void => output.error(line);
    const opened = await openDevice(deviceFlags('chat', args), note);
    const loading = listenForInterrupt();
    try {
      const { signal } = loading;
      const { model, tokenizer } = await openModel(path, opened, source, { signal, note });
      const template = await templateOf(tokenizer, path, templateFile);
      loading.dispose(); // from here on Ctrl-C is for answers
      const session = createSession({ model, tokenizer, template, system, generation });

      let exitCode = 0;
      let interrupts = 0;
      const hear = (name: SignalName): void => {
        if (name === 'SIGINT' && talk.stopAnswer()) {
          interrupts = 0;
          return;
        }
        // Nothing to stop: a person is told how to leave, once.
        if (name === 'SIGINT' && reader.isTerminal && ++interrupts === 1) {
          output.line('\nCtrl-D ends the chat; Ctrl-C once more does too.');
          return;
        }
        exitCode = INTERRUPTED[name];
        talk.end();
      };
      const reader = input.open(() => hear('SIGINT'));
      const talk = createTalk({ session, reader, output, json });
      const stopHearing = onSignals(hear);
      try {
        if (reader.isTerminal && !json) for (const line of HELP) output.line(line);
        await talk.run();
        if (reader.isTerminal && exitCode === 0) output.line('');
        return exitCode;
      } finally {
        stopHearing();
        reader.close();
        await session.close();
      }
    } catch (error) {
      if (loading.exitCode !== undefined && error === loading.signal.reason) return loading.exitCode;
      throw error;
    } finally {
      loading.dispose();
      opened.dispose();
    }
  },
};

/** Throws ValueError for a model without a template, TokenizerError for one that is not Jinja. */
async function templateOf(
  tokenizer: PretrainedTokenizer,
  path: string,
  file: string | undefined,
): Promise<ChatTemplate> {
  if (file !== undefined) {
    const template = await withFileErrors('chat', file, () => readFile(file, 'utf8'));
    return createChatTemplate(tokenizer, { template });
  }
  if (tokenizer.chatTemplates.size > 0) return createChatTemplate(tokenizer);
  throw new ValueError(
    'chat',
    `${path} has no chat template: the model was not trained to talk`,
    `let it continue a text with ${PROGRAM} generate ${path} --prompt TEXT, or give a Jinja file with --template`,
  );
}
