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

export async function profileLaunches(
  driver: Driver,
  stream: number,
  launches: readonly Recorded[],
  settled: () => Promise<void>,
): Promise<readonly LaunchTime[]> {
  const events: number[] = [];
  try {
    for (let i = 0; i <= launches.length; i++) events.push(driver.make('cuEventCreate', 0));
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
    for (const event of events) driver.raw.cuEventDestroy(event);
  }
}
