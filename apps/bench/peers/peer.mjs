// What the peers' scripts share: the shapes, the timing, and finding a package in the folder they are run from.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const requireHere = createRequire(join(process.cwd(), 'index.js'));

export const sizes = { products: [512, 1024], mlp: { batch: 256, width: 512, hidden: 2048 } };
export const requirePeer = (name) => requireHere(name);
export const resolvePeer = (name) => requireHere.resolve(name);
export const importPeer = (name) => import(pathToFileURL(requireHere.resolve(name)).href);

/** Seconds a call: best and median of about three seconds of calls. */
export async function seconds(run) {
  for (let i = 0; i < 3; i++) await run();
  const samples = [];
  for (const end = performance.now() + 3000; performance.now() < end || samples.length < 3; ) {
    const start = performance.now();
    await run();
    samples.push((performance.now() - start) / 1e3);
  }
  samples.sort((a, b) => a - b);
  return { best: samples[0], median: samples[samples.length >> 1] };
}

export function report(result) {
  console.log(JSON.stringify(result));
  process.exit(0);
}
