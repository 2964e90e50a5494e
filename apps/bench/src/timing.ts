/** How everything here is timed: enough repetitions, best and median, no result read inside the loop but the last. */
export interface Timing {
  /** Seconds a call. */
  readonly best: number;
  readonly median: number;
  readonly repetitions: number;
}

/** Calls `run` for about `seconds` after `warmup` calls. */
export async function timeCalls(
  run: () => unknown,
  { seconds = 3, warmup = 3 }: { readonly seconds?: number; readonly warmup?: number } = {},
): Promise<Timing> {
  for (let i = 0; i < warmup; i++) await run();
  const samples: number[] = [];
  const end = performance.now() + 1e3 * seconds;
  while (performance.now() < end || samples.length < 3) {
    const start = performance.now();
    await run();
    samples.push((performance.now() - start) / 1e3);
  }
  samples.sort((a, b) => a - b);
  return { best: samples[0]!, median: samples[samples.length >> 1]!, repetitions: samples.length };
}
