// Ours in a page: the function behind `qsparse bench decode`, as it was built, on the CPU device of browsers.
export async function measure({ threads, prompt, tokens, model }) {
  const { cpuDevice } = await import('@qsparse/backend-cpu');
  const { timeDecode } = await import('/apps/cli/dist/bench/decode.js');
  const [shape, sparsities] = model.split(':');
  const device = await cpuDevice({ threads });
  return timeDecode(device, {
    ...{ shape, weights: 'ternary', vocabulary: 'int8', layers: undefined, tokens, prefill: prompt.length },
    sparsities: sparsities.split(',').map(Number),
  });
}
