/** One evaluation set through a scorer: rows to items, prompts with examples, scores to metrics. */
import type { Tokenizer } from '@qsparse/data';
import { EvaluationError } from './errors.ts';
import { createFewShot } from './few-shot.ts';
import type { Item } from './item.ts';
import { type DataRow, readRows, requireData } from './records.ts';
import { encodePair, fitToContext, type MeasuredSparsity, type ScoreRequest, type Scorer } from './scorer.ts';
import { aggregate, type Metric } from './statistics.ts';
import { TASKS, type Task, type TaskName } from './tasks.ts';

export interface EvalContext {
  readonly scorer: Scorer;
  readonly tokenizer: Tokenizer;
  /** The folder of evaluation sets. */
  readonly data: string;
  /** The first so many items, of each subject or paradigm where a set has them; undefined: all. */
  readonly limit: number | undefined;
  readonly fewShot: number;
  /** Of the choice of examples. */
  readonly seed: number;
  readonly addBeginOfText: boolean;
  readonly signal: AbortSignal;
  /** A line for people. */
  readonly note: (line: string) => void;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

export interface TaskResult {
  readonly task: string;
  readonly file: string;
  /** Items, or windows of a text. */
  readonly items: number;
  readonly fewShot: number;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** Accuracy by subject or paradigm. */
  readonly groups?: Readonly<Record<string, number>>;
  /** Prompts whose beginning the model could not see. */
  readonly cut: number;
  readonly seconds: number;
  readonly sparsity: MeasuredSparsity | undefined;
}

/** Throws EvaluationError naming file and row, FileError, and the signal's reason. */
export async function runTask(name: TaskName, context: EvalContext): Promise<TaskResult> {
  const start = performance.now();
  const { scorer, data, limit, signal, note, onProgress } = context;
  const task: Task = TASKS[name];
  const file = requireData(data, task.file, name);
  const rows = await readRows(file);
  const chosen = chooseItems(task, rows, limit);
  const items = chosen.map(({ item }) => item);
  const takesShots = items.some(({ shot }) => shot !== undefined);
  const fewShot = takesShots ? context.fewShot : 0;
  if (context.fewShot > 0 && !takesShots) note(`${name} takes no examples: its prompts are as they are`);
  const withShots = fewShot > 0 ? await createFewShot(name, task, rows, { ...context, fewShot }) : undefined;
  const { requests, cut, firstCut } = requestsOf(
    chosen.map(({ item, index }) => ({ item, before: withShots?.(item, index) ?? item.description ?? '' })),
    context,
  );
  if (cut > 0)
    note(
      `${name}: ${cut} of ${requests.length} prompts are longer than the model's context of ${scorer.contextLength} and lose their beginning, ${firstCut} for one`,
    );
  const scores = await scorer.score(requests, {
    signal,
    onProgress: (done) => onProgress?.(done, requests.length),
  });
  let at = 0;
  const graded = items.map((item) => {
    const own = scores.slice(at, at + item.pairs.length);
    at += item.pairs.length;
    if (own.some(({ logprob }) => Number.isNaN(logprob)))
      throw new EvaluationError(
        'eval-example',
        `${item.place}: the model gives no probabilities (NaN); check its weights`,
      );
    return item.grade(own);
  });
  const metrics = Object.entries(task.metrics).map(([metric, aggregation]) => {
    const values = graded.map((grades) => grades[metric]!);
    return [metric, aggregate(values, aggregation)] as const;
  });
  const groups = groupsOf(items, graded);
  return {
    task: name,
    file,
    items: items.length,
    fewShot,
    metrics: Object.fromEntries(metrics),
    ...(groups && { groups }),
    cut,
    seconds: (performance.now() - start) / 1000,
    sparsity: scorer.takeSparsity(),
  };
}

/** Items with the places of their rows. */
function chooseItems(
  task: Task,
  rows: readonly DataRow[],
  limit = Number.POSITIVE_INFINITY,
): readonly { readonly item: Item; readonly index: number }[] {
  const counts = new Map<string | undefined, number>();
  const chosen: { item: Item; index: number }[] = [];
  for (const [index, row] of rows.entries()) {
    const item = task.read(row);
    const count = counts.get(item.group) ?? 0;
    // Without groups the first ones are all there will be.
    if (item.group === undefined && count >= limit) break;
    counts.set(item.group, count + 1);
    if (count < limit) chosen.push({ item, index });
  }
  return chosen;
}

function requestsOf(
  prompts: readonly { readonly item: Item; readonly before: string }[],
  { scorer, tokenizer, addBeginOfText }: EvalContext,
): { readonly requests: readonly ScoreRequest[]; readonly cut: number; readonly firstCut: string } {
  const requests: ScoreRequest[] = [];
  let [cut, firstCut] = [0, ''];
  for (const { item, before } of prompts) {
    for (const { context, continuation } of item.pairs) {
      const encoded = encodePair(tokenizer, { context: before + context, continuation }, { addBeginOfText });
      const fitted = fitToContext(encoded, scorer.contextLength, item.place);
      requests.push(fitted.request);
      if (fitted.cut === 0) continue;
      if (cut === 0) firstCut = item.place;
      cut++;
    }
  }
  return { requests, cut, firstCut };
}

function groupsOf(
  items: readonly Item[],
  graded: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> | undefined {
  const values = new Map<string, number[]>();
  for (const [i, { group }] of items.entries())
    if (group !== undefined) values.set(group, [...(values.get(group) ?? []), graded[i]!.acc!]);
  if (values.size === 0) return undefined;
  return Object.fromEntries([...values].map(([group, own]) => [group, aggregate(own, 'mean').value]));
}
