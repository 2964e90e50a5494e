/**
 * Conformance in a browser, on the SwiftShader that Chromium brings. Without `only` every op passes there too, in two
 * minutes; Node runs them all, so here it is an op of each kind: words in parts, copies, rows, products, draws, updates in
 * place. The page of apps/studio trains through whole steps in the same browser.
 */
import { webgpuDevice } from '@qsparse/backend-webgpu';
import { conformance, FLUSHED_SUBNORMALS } from '@qsparse/conformance';

const ONLY = [
  'adamwOp',
  'attentionOp',
  'castOp',
  'copySectionOp',
  'crossEntropyOp',
  'embeddingBackwardOp',
  'sampleOp',
  'sparsifyOp',
  'ternarizeOp',
];

const device = await webgpuDevice();
const flushes = await device.flushesSubnormals();
device.dispose();

conformance(() => webgpuDevice(), {
  only: ONLY,
  skip: flushes ? FLUSHED_SUBNORMALS.filter(({ case: name }) => ONLY.includes(name.split(':')[0]!)) : [],
});
