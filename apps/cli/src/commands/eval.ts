/** `qsparse eval MODEL --tasks LIST`: perplexity and multiple choice, by the conventions of lm-evaluation-harness. */
import { readTokenizer } from '@qsparse/data/node';
import { nearestName } from '@qsparse/formats';
import type { ComputeDType } from '@qsparse/layers';
import { fromPretrained, readModelConfig, resolveModelFolder } from 'qsparse/node';
import {
  type Arguments,
  type Command,
  DEVICE_OPTIONS,
  deviceFlags,
  integerFlag,
  requiredPositional,
  UsageError,
} from '../command.ts';
import { openHttpScorer } from '../eval/http-scorer.ts';
import { localScorer } from '../eval/local-scorer.ts';
import { resultTable, sparsityLine, sparsityOf } from '../eval/report.ts';
import { type EvalContext, runTask, type TaskResult } from '../eval/run-task.ts';
import { runText } from '../eval/run-text.ts';
import { TASKS, type TaskName, TEXT_TASKS, type TextTaskName } from '../eval/tasks.ts';
import { type Interrupt, interruptible } from '../interrupt.ts';
import { MODEL_OPTIONS, modelFlags, namedFilesOf } from '../model-options.ts';
import { openDevice } from '../open-device.ts';
import type { Output } from '../output.ts';

/** What stands for several tasks, or for one by another name. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  ppl: ['text'],
  bpb: ['text'],
  all: Object.keys(TASKS),
};

export const command: Command = {
  name: 'eval',
  usage: 'MODEL --tasks LIST [--data DIR] [--text FILE…] [--limit N] [--few-shot K] [--url ADDRESS]',
  summary: 'Evaluates a model: perplexity, bits per byte, last words, multiple choice.',
  positionals: 1,
  options: {
    tasks: { type: 'string', multiple: true, value: 'LIST', help: tasksHelp() },
    data: { type: 'string', value: 'DIR', help: 'folder of the evaluation sets (default: data)' },
    text: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      help: 'text for the task "text": .txt or .jsonl, also .gz or .br',
    },
    limit: {
      type: 'string',
      value: 'N',
      help: 'only the first N items of a set (of each subject or paradigm), or windows of a text',
    },
    'few-shot': {
      type: 'string',
      value: 'K',
      help: 'examples with answers in front of every prompt (default 0)',
    },
    seed: { type: 'string', value: 'N', help: 'of the choice of examples (default 0)' },
    'add-bos': { type: 'boolean', help: 'begin every prompt with the token that begins a text' },
    batch: { type: 'string', value: 'N', help: 'tokens that are computed at once (default 2048)' },
    compute: { type: 'string', value: 'f32|bf16', help: 'dtype of the computation (default f32)' },
    'sparsity-tokens': {
      type: 'string',
      value: 'N',
      help: 'tokens of each task whose zeros are counted (default 2048, 0 is off)',
    },
    url: {
      type: 'string',
      value: 'ADDRESS',
      help: 'ask a server in place of a model here; MODEL then gives the tokenizer; key in QSPARSE_API_KEY',
    },
    ...MODEL_OPTIONS,
    ...DEVICE_OPTIONS,
  },
  async run(args, output) {
    const path = requiredPositional(command, args, 'the model folder');
    const tasks = tasksOf(args);
    const settings = settingsOf(args);
    const { contextLength, ...hub } = modelFlags('eval', args);
    if (tasks.includes('text') && settings.text.length === 0)
      throw new UsageError('[eval] the task "text" needs --text FILE: the text whose perplexity is measured');
    return interruptible(async (interrupt) => {
      const evaluate = (context: Pick<EvalContext, 'scorer' | 'tokenizer'>): Promise<number> =>
        runAll(
          tasks,
          { ...settings, ...context },
          { path, json: args.flags.json === true, output, interrupt },
        );
      if (typeof args.flags.url === 'string') {
        const folder = await resolveModelFolder(path);
        const { decoder } = await readModelConfig(folder);
        const tokenizer = await readTokenizer(folder);
        const scorer = await openHttpScorer({
          url: args.flags.url,
          apiKey: process.env.QSPARSE_API_KEY,
          contextLength: contextLength ?? decoder.contextLength,
          signal: interrupt.signal,
        });
        return evaluate({ scorer, tokenizer });
      }
      const note = (line: string): void => output.error(line);
      const opened = await openDevice(deviceFlags('eval', args), note);
      try {
        const { compute, batchTokens, sparsityTokens } = settings;
        const { signal } = interrupt;
        const source = (await namedFilesOf(path, hub, { signal, note })) ?? path;
        const options = { compute, contextLength, gradients: false, signal };
        const { model, tokenizer } = await fromPretrained(source, opened, options);
        try {
          return await evaluate({ scorer: localScorer(model, { batchTokens, sparsityTokens }), tokenizer });
        } finally {
          model.dispose();
        }
      } finally {
        opened.dispose();
      }
    });
  },
};

interface Printing {
  readonly path: string;
  readonly json: boolean;
  readonly output: Output;
  readonly interrupt: Interrupt;
}

/** Task after task; what is finished is printed whatever comes after it. */
async function runAll(
  tasks: readonly string[],
  settings: ReturnType<typeof settingsOf> & Pick<EvalContext, 'scorer' | 'tokenizer'>,
  { path, json, output, interrupt }: Printing,
): Promise<number> {
  const results: TaskResult[] = [];
  let isLive = false;
  const clear = () => {
    if (isLive) output.write('\r\x1b[2K');
    isLive = false;
  };
  const contextOf = (task: string): EvalContext => ({
    ...settings,
    signal: interrupt.signal,
    note(line) {
      clear();
      output.error(line);
    },
    onProgress(done, of) {
      if (json || !output.isTerminal) return;
      output.write(`\r\x1b[2K${`${task} ${done}/${of}`.slice(0, Math.max(20, output.columns - 1))}`);
      isLive = true;
    },
  });
  try {
    for (const task of tasks) {
      const context = contextOf(task);
      const result =
        task in TEXT_TASKS
          ? await runText(task as TextTaskName, settings.text, context)
          : await runTask(task as TaskName, context);
      clear();
      results.push(result);
      if (json) output.line(JSON.stringify({ event: 'task', model: path, ...result }));
      else if (!output.isTerminal) output.error(`${task} done in ${result.seconds.toFixed(1)} s`);
    }
  } finally {
    clear();
    if (!json && results.length > 0) {
      output.line(resultTable(results));
      const measured = sparsityOf(results);
      if (measured) output.line(sparsityLine(measured));
    }
    settings.scorer.dispose();
  }
  return interrupt.exitCode ?? 0;
}

function tasksHelp(): string {
  const names = [...Object.keys(TEXT_TASKS), ...Object.keys(TASKS)];
  return `names with commas between, or all: ${names.join(', ')}`;
}

/** Throws UsageError. */
function tasksOf({ flags: { tasks = [] } }: Arguments): readonly string[] {
  const known = [...Object.keys(ALIASES), ...Object.keys(TEXT_TASKS), ...Object.keys(TASKS)];
  const given = (tasks as readonly string[]).flatMap((list) => list.split(','));
  const names = given.map((name) => name.trim()).filter((name) => name !== '');
  if (names.length === 0) throw new UsageError(`[eval] --tasks is required: ${tasksHelp()}`);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    const near = nearestName(wrong, known);
    throw new UsageError(
      `[eval] there is no task "${wrong}"; ${near ? `did you mean ${near}?` : `choose of ${known.join(', ')}`}`,
    );
  }
  return [...new Set(names.flatMap((name) => ALIASES[name] ?? [name]))];
}

/** Throws UsageError. */
function settingsOf({ flags }: Arguments) {
  const integer = (name: string, min: number) => integerFlag('eval', name, flags[name], { min });
  const { compute = 'f32', data = 'data', text = [] } = flags;
  if (compute !== 'f32' && compute !== 'bf16')
    throw new UsageError(`[eval] --compute must be f32 or bf16, got ${String(compute)}`);
  return {
    data: String(data),
    text: text as readonly string[],
    limit: integer('limit', 1),
    fewShot: integer('few-shot', 0) ?? 0,
    seed: integer('seed', 0) ?? 0,
    addBeginOfText: flags['add-bos'] === true,
    batchTokens: integer('batch', 1),
    sparsityTokens: integer('sparsity-tokens', 0),
    compute: compute as ComputeDType,
  };
}
