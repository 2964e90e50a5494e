/** Finds stop strings in a text that comes in pieces, and never lets out a piece of one. */

export interface StopText {
  /** What of the text is sure by now. Once `found`, nothing more comes. */
  push(piece: string): string;
  /** What was held back for looking like the beginning of a stop string. */
  flush(): string;
  readonly found: boolean;
}

/** @param stops none of them empty */
export function createStopText(stops: readonly string[]): StopText {
  let held = '';
  let found = false;
  return {
    push(piece) {
      if (found) return '';
      held += piece;
      const places = stops.map((stop) => held.indexOf(stop)).filter((place) => place >= 0);
      found = places.length > 0;
      const sure = found ? Math.min(...places) : held.length - beginningOf(stops, held);
      const out = held.slice(0, sure);
      held = found ? '' : held.slice(sure);
      return out;
    },
    flush() {
      const rest = held;
      held = '';
      return rest;
    },
    get found() {
      return found;
    },
  };
}

/** Length of the longest end of `text` that one of `stops` begins with. */
function beginningOf(stops: readonly string[], text: string): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
