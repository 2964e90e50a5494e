// "Did you mean …?" for keys, tensors and tokens.
import { show } from '../display.ts';
import { FormatError } from '../errors.ts';

// Longer names are machine-made; comparing them would cost time and help nobody.
const LONGEST_COMPARED = 80;

/** The candidate that differs by the fewest edits (a swap of neighbours is one), or undefined when none is near. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST_COMPARED) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Ready to stand in a message: `; did you mean "hidden_size"?`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? '' : `; did you mean ${show(nearest)}?`;
}

/**
 * Throws at the first key that is not known.
 * @param keys the keys that came
 * @param known the keys that are allowed
 * @param label stands in square brackets in the message
 * @param prefix what stands before the key in messages: `rope_scaling.`
 * @throws FormatError `unknown-key`, with the nearest known key when one is near.
 */
export function rejectUnknown(
  keys: Iterable<string>,
  known: readonly string[],
  label: string,
  prefix = '',
): void {
  for (const key of keys) {
    if (known.includes(key)) continue;
    const suggestion = didYouMean(key, known) || `; remove it, known are: ${known.join(', ')}`;
    const path = prefix + key;
    throw new FormatError('unknown-key', `[${label}] unknown key ${show(path)}${suggestion}`, { key: path });
  }
}

/** Optimal string alignment distance, three rows at a time. */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + change);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, older[column - 2]! + 1);
      }
      current.push(cost);
    }
    older = previous;
    previous = current;
  }
  return previous[b.length]!;
}
