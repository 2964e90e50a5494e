/** Pauses in long computations, so that a page or a server stays alive and an abort is heard. */
const TURN_MILLISECONDS = 50;

/**
 * The returned function lets other work run once 50 ms have passed, and says whether it did; call it often.
 * Throws the signal's reason when it is aborted.
 */
export function createPauses(signal: AbortSignal | undefined): () => Promise<boolean> {
  signal?.throwIfAborted();
  let turnEnds = performance.now() + TURN_MILLISECONDS;
  return async () => {
    if (performance.now() < turnEnds) return false;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    turnEnds = performance.now() + TURN_MILLISECONDS;
    signal?.throwIfAborted();
    return true;
  };
}
