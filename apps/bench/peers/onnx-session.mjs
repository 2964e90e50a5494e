// One measurement of a decoder in ONNX, for onnxruntime-node and for onnxruntime-web in a page: no import, so that both can.

/**
 * @param ort either package
 * @param model a path or the bytes
 * @param {{ prompt: number[], tokens: number, turns: number, options: object }} settings
 * @returns milliseconds of each prompt and of each text
 */
export async function timeOnnxDecoder(ort, model, { prompt, tokens, turns, options }) {
  const session = await ort.InferenceSession.create(model, {
    ...options,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  const pasts = session.inputNames.filter((name) => name.startsWith('past_'));
  const [, heads, , size] = shapeOf(session, pasts[0]);
  const run = (ids, position, before) => {
    const end = position + ids.length;
    const feeds = {
      ids: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
      last: new ort.Tensor('int32', Int32Array.from([end - 1]), [1]),
      total: new ort.Tensor('int32', Int32Array.from([end]), [1]),
    };
    for (const name of pasts)
      feeds[name] =
        before?.[name.replace('past', 'present')] ??
        new ort.Tensor('float32', new Float32Array(0), [1, heads, 0, size]);
    return session.run(feeds);
  };
  await run(prompt.slice(0, 8), 0);
  const times = { prefill: [], decode: [] };
  for (let turn = 0; turn < turns; turn++) {
    let start = performance.now();
    await run(prompt, 0);
    times.prefill.push(performance.now() - start);
    let state = await run(prompt.slice(0, 8), 0);
    start = performance.now();
    for (let i = 0; i < tokens; i++) state = await run([prompt[i % prompt.length]], 8 + i, state);
    times.decode.push(performance.now() - start);
  }
  return times;
}

function shapeOf(session, name) {
  const found = session.inputMetadata.find((input) => input.name === name);
  return found.shape.map((length) => (typeof length === 'number' ? length : 0));
}
