/** Tokens from the likeliest on, sorted only as far as they are asked for: of a large vocabulary few are. */

/** `(rank) => token`, rank 0 with the highest score, the lowest id of equals; ranks are asked for up to the vocabulary. */
export function likeliestFirst(scores: Float64Array): (rank: number) => number {
  const heap = Int32Array.from(scores.keys());
  let size = heap.length;
  const ranked: number[] = [];
  const isBefore = (a: number, b: number): boolean =>
    scores[a]! > scores[b]! || (scores[a]! === scores[b]! && a < b);
  const sink = (token: number, from: number): void => {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(token, heap[child]!)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = token;
  };
  for (let place = (size >> 1) - 1; place >= 0; place--) sink(heap[place]!, place);
  return (rank) => {
    while (ranked.length <= rank) {
      ranked.push(heap[0]!);
      size--;
      if (size > 0) sink(heap[size]!, 0);
    }
    return ranked[rank]!;
  };
}
