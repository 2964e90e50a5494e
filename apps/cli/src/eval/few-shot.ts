/**
 * Examples with their answers in front of a prompt: the first ones of the same subject, or random ones of another split,
 * or of the same file without the row itself. The same seed gives the same examples.
 */
import { randomWord } from '@qsparse/core';
import { EvaluationError } from './errors.ts';
import type { Item } from './item.ts';
import { type DataRow, findData, readRows } from './records.ts';
import type { Task } from './tasks.ts';

export interface FewShotOptions {
  readonly data: string;
  readonly fewShot: number;
  readonly seed: number;
}

/** What stands between two examples. */
const BETWEEN = '\n\n';

/** The returned function gives what stands before the prompt of an item. Throws EvaluationError for too few examples. */
export async function createFewShot(
  name: string,
  task: Task,
  rows: readonly DataRow[],
  { data, fewShot, seed }: FewShotOptions,
): Promise<(item: Item, index: number) => string> {
  const path = task.shots === undefined ? undefined : findData(data, task.shots);
  const isOwn = path === undefined;
  const sources = isOwn ? rows : await readRows(path);
  const read = new Map<DataRow, Item>();
  const itemOf = (row: DataRow): Item => {
    const item = read.get(row) ?? task.read(row);
    read.set(row, item);
    return item;
  };
  const all = sources.map((row, i) => ({ row, i }));
  const groups = new Map<string | undefined, typeof all>();
  if (task.firstShots)
    for (const one of all) {
      const { group } = itemOf(one.row);
      groups.set(group, [...(groups.get(group) ?? []), one]);
    }
  return (item, index) => {
    const candidates = task.firstShots ? (groups.get(item.group) ?? []) : all;
    // The row itself is not an example of its own.
    const usable = candidates.length - (isOwn ? 1 : 0);
    if (usable < fewShot)
      throw new EvaluationError(
        'eval-data',
        `${name}: ${fewShot} examples are required${item.group ? ` of ${item.group}` : ''}, ${path ?? task.file} has ${usable}; lower --few-shot`,
      );
    const order = task.firstShots ? candidates : drawn(candidates, fewShot + 1, seed, index);
    const chosen = order.filter(({ i }) => !(isOwn && i === index)).slice(0, fewShot);
    const shots = chosen.map(({ row }) => itemOf(row).shot ?? '');
    return (item.description ?? '') + shots.map((shot) => shot + BETWEEN).join('');
  };
}

/** `count` different ones, or all where there are no more; by seed and index alone. */
function drawn<T>(items: readonly T[], count: number, seed: number, index: number): readonly T[] {
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < Math.min(count, items.length); i++)
    chosen.add(randomWord(seed, index, i) % items.length);
  return [...chosen].map((place) => items[place]!);
}
