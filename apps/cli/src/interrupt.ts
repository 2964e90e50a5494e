/** Ctrl-C and its kin: the first one asks a command to stop in order, the second one ends it as it stands. */

/** Exit codes of a command that was asked to stop: 128 and the signal's number, as shells have it. */
export const INTERRUPTED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type SignalName = keyof typeof INTERRUPTED;

export interface Interrupt {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Of the first signal; undefined before it. */
  readonly exitCode: number | undefined;
  /** Asks to stop as a first SIGTERM does; asking twice is harmless. */
  stop(): void;
  /** Gives the signals back. */
  dispose(): void;
}

/** Listens until disposed. `onFirst` tells the user what happens now. */
export function listenForInterrupt(onFirst: () => void = () => {}): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const onSignal = (name: SignalName) => {
    const code = INTERRUPTED[name];
    if (exitCode !== undefined) process.exit(code);
    exitCode = code;
    onFirst();
    controller.abort();
  };
  const stopHearing = onSignals(onSignal);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    stop() {
      if (exitCode === undefined) onSignal('SIGTERM');
    },
    dispose: stopHearing,
  };
}

/**
 * Runs the work of a command that a signal ends early. Its exit code, or that of the signal where the work stopped with
 * the signal's own reason; throws what else it throws.
 */
export async function interruptible(work: (interrupt: Interrupt) => Promise<number>): Promise<number> {
  const interrupt = listenForInterrupt();
  try {
    return await work(interrupt);
  } catch (error) {
    if (interrupt.exitCode !== undefined && error === interrupt.signal.reason) return interrupt.exitCode;
    throw error;
  } finally {
    interrupt.dispose();
  }
}

/** Calls `hear` for each signal, until the returned function is called. */
export function onSignals(hear: (name: SignalName) => void): () => void {
  const names = Object.keys(INTERRUPTED) as SignalName[];
  for (const name of names) process.on(name, hear);
  return () => {
    for (const name of names) process.off(name, hear);
  };
}
