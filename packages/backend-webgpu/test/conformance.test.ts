/** Every op, in Node, on a software driver or (QSPARSE_WEBGPU_DRIVER=gpu) on the machine's GPU. */
import { conformance, FLUSHED_SUBNORMALS } from '@qsparse/conformance';
import { describe, test } from 'vitest';
import { driver, flushesSubnormals, isDist, missing, openDevice } from './drivers.ts';

/** A thousand steps take long on a busy machine. */
const LONG = { timeout: 120_000 };
/** Chromium runs every op on what is published; here it is that Node loads it. */
const SOME = ['scaleOp', 'matmulOp', 'sparsifyOp'];

const skip = flushesSubnormals
  ? FLUSHED_SUBNORMALS.filter(({ case: name }) => !isDist || SOME.includes(name.split(':')[0]!))
  : [];

if (missing) test.skip(`conformance: ${missing}`, () => {});
else {
  describe(`on ${driver}`, LONG, () =>
    conformance(() => openDevice(), { ...(isDist && { only: SOME }), skip }),
  );
}
