/**
 * Which text has which place. A place remembers the text that left it, and its keys and values: a text that begins alike
 * goes on from there, so that a conversation is not read again at every turn.
 */
import type { EngineRow } from './engine-row.ts';
import type { Slots } from './engine-slots.ts';

export interface Places {
  /** By slot; also the texts that were there last. */
  readonly rows: readonly (EngineRow | undefined)[];
  active(): readonly EngineRow[];
  /** Puts it into the free place that remembers most of its beginning, else the one that was left first. False: all taken. */
  take(row: EngineRow): boolean;
  /** Frees the places of texts that have ended; returns these. */
  leave(): readonly EngineRow[];
}

export function createPlaces(device: Slots, slots: number, contextLength: number): Places {
  const rows = new Array<EngineRow | undefined>(slots).fill(undefined);
  const active = (): EngineRow[] =>
    rows.filter((row) => row !== undefined && row.leftAt === undefined) as EngineRow[];
  return {
    rows,
    active,
    take(row) {
      let best: { slot: number; shared: number; leftAt: number } | undefined;
      for (const [slot, before] of rows.entries()) {
        const leftAt = before ? before.leftAt : Number.NEGATIVE_INFINITY;
        if (leftAt === undefined) continue;
        const shared = before && !row.echo ? sharedLength(before, row.text, device, slot) : 0;
        if (!best || shared > best.shared || (shared === best.shared && leftAt < best.leftAt))
          best = { slot, shared, leftAt };
      }
      if (!best) return false;
      row.startedAt = performance.now();
      row.read = best.shared;
      rows[best.slot] = row;
      return true;
    },
    leave() {
      const left = active().filter((row) => row.isEnded);
      for (const row of left) {
        const slot = rows.indexOf(row);
        row.leftAt = performance.now();
        // The step of the others writes behind the text.
        row.read = Math.min(row.read, contextLength - 1);
        if (row.isVerified) continue;
        rows[slot] = undefined;
        try {
          device.clear(slot);
        } catch (error) {
          for (const other of active()) other.fail(error);
        }
      }
      return left;
    },
  };
}

/** Tokens at the beginning that both have, but for the last of `text`, whose logits are wanted; 0 where the place lacks their keys. */
function sharedLength(before: EngineRow, text: readonly number[], device: Slots, slot: number): number {
  const most = Math.min(before.read, text.length - 1);
  let length = 0;
  while (length < most && before.text[length] === text[length]) length++;
  return device.reaches(slot, length) ? length : 0;
}
