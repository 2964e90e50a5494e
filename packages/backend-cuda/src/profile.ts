/** Times the launches of a recorded program one by one, with an event between any two. */
import type { Driver } from './driver/driver.ts';

/** Work on the stream that can be enqueued again. */
export interface Recorded {
  readonly name: string;
  readonly work: () => void;
}

export interface LaunchTime {
  /** The kernel, or `gemm m x n x k`. */
  readonly name: string;
  /** From the start of the program, and how long, in microseconds of the GPU's clock. */
  readonly start: number;
  readonly duration: number;
}

/** Events with a clock. The device may go while somebody waits for them, and takes them along. */
export class Timers {
  readonly #driver: Driver;
  readonly #events = new Set<number>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  make(): number {
    const event = this.#driver.make('cuEventCreate', 0);
    this.#events.add(event);
    return event;
  }

  destroy(event: number): void {
    if (this.#events.delete(event)) this.#driver.raw.cuEventDestroy(event);
  }

  dispose(): void {
    for (const event of this.#events) this.destroy(event);
  }
}

export async function profileLaunches(
  driver: Driver,
  stream: number,
  timers: Timers,
  launches: readonly Recorded[],
  settled: () => Promise<void>,
): Promise<readonly LaunchTime[]> {
  const events: number[] = [];
  try {
    for (let i = 0; i <= launches.length; i++) events.push(timers.make());
    for (const [i, { work }] of launches.entries()) {
      driver.call('cuEventRecord', events[i]!, stream);
      work();
    }
    driver.call('cuEventRecord', events.at(-1)!, stream);
    await settled();
    const between = (from: number, to: number): number => {
      const milliseconds = new Float32Array(1);
      driver.call('cuEventElapsedTime', milliseconds, events[from]!, events[to]!);
      return 1000 * milliseconds[0]!;
    };
    return launches.map(({ name }, i) => ({ name, start: between(0, i), duration: between(i, i + 1) }));
  } finally {
    for (const event of events) timers.destroy(event);
  }
}
