// Times WebGPU libraries against each other, in a page or in Node: every round gives each its turn, so that what else the
// machine does meets all of them. Results are compared first: a wrong one is no contestant.

/** Milliseconds of a first result after which a contestant gets one turn and no warm-up: it needs none. */
const SLOW = 5000;

/**
 * @param {readonly (() => Promise<object>)[]} openers one contestant each; those that do not open are named and left out
 * @param {{ products: readonly number[], network?: { batch: number, width: number, hidden: number }, rounds: number, seconds: number, say?: (line: string) => void }} what
 *   `seconds`: how long a turn lasts at least
 */
export async function race(openers, { products, network, rounds, seconds, say = () => {} }) {
  const contestants = [];
  const left = [];
  for (const open of openers) {
    try {
      contestants.push(await open());
    } catch (error) {
      left.push(error.message.split('\n')[0]);
    }
  }
  const rows = [];
  const tasks = [
    ...products.map((n) => ({ what: `product ${n}`, flops: 2 * n ** 3, begin: (c) => c.product(n) })),
    ...(network
      ? [{ what: nameOf(network), flops: flopsOf(network), begin: (c) => c.network(network) }]
      : []),
  ];
  for (const { what, flops, begin } of tasks) {
    const turns = [];
    for (const contestant of contestants) {
      try {
        const work = begin(contestant);
        const start = performance.now();
        const result = await work.result();
        const isSlow = performance.now() - start > SLOW;
        if (!isSlow) await work.run(1);
        turns.push({ peer: contestant.peer, work, result, isSlow, times: [] });
      } catch (error) {
        left.push(`${contestant.peer}, ${what}: ${String(error.message).split('\n')[0]}`);
      }
    }
    for (let round = 0; round < rounds; round++)
      for (const { work, isSlow, times } of turns)
        if (round === 0 || !isSlow) times.push(await secondsOf(work, seconds));
    for (const { peer, work, result, times } of turns) {
      times.sort((a, b) => a - b);
      const median = times[times.length >> 1];
      const difference = furthest(result, turns[0].result);
      rows.push({ what, peer, best: times[0], median, gflops: flops / median / 1e9, difference });
      say(JSON.stringify(rows.at(-1)));
      work.end();
    }
  }
  for (const contestant of contestants) contestant.close();
  return { adapter: contestants[0]?.adapter, rows, left };
}

/** Seconds of one of as many in a row as a turn takes. */
async function secondsOf(work, least) {
  for (let count = 1; ; count *= 2) {
    const start = performance.now();
    await work.run(count);
    const seconds = (performance.now() - start) / 1000;
    if (seconds >= least) return seconds / count;
  }
}

/** The largest difference, as a share of the largest number. */
function furthest(one, other) {
  const [a, b] = [one, other].map((result) => (typeof result === 'number' ? [result] : result));
  let [most, largest] = [a.length === b.length ? 0 : Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / largest;
}

function nameOf({ batch, width, hidden }) {
  return `training step ${width}-${hidden}-${width}, batch ${batch}`;
}

/** Forward two products, backward two for the weights and one for the hidden layer. */
function flopsOf({ batch, width, hidden }) {
  return 5 * 2 * batch * width * hidden;
}
