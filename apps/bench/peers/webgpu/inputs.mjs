// What every contestant computes with: the same numbers, so that their results can be held to each other.

/** Numbers between -0.5 and 0.5 times `scale`, by Numerical Recipes' generator. */
export function numbers(seed, count, scale = 1) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale * (state / 2 ** 32 - 0.5);
  });
}

/** Two weight matrices, an input and a target of the two-layer network, as [numbers, shape]. */
export function networkInputs({ batch, width, hidden }) {
  return {
    w1: [numbers(1, width * hidden, 0.1), [width, hidden]],
    w2: [numbers(2, hidden * width, 0.1), [hidden, width]],
    x: [numbers(3, batch * width, 2), [batch, width]],
    target: [numbers(4, batch * width, 2), [batch, width]],
  };
}

export const LEARNING_RATE = 50;

/** Steps whose last loss is held against the others: it depends on every gradient. */
export const COMPARED_STEPS = 4;
