// Packs what was built into one folder that runs on a machine with an NVIDIA GPU and no network, no npm and no Node:
// the published files of every package, koffi, and the conformance suite behind a test runner of a few lines.
//
//   pnpm build && pnpm --filter @qsparse/backend-cuda run build:cuda && node apps/bench/gpu/pack.mjs OUT
//
// Then bash OUT/run.sh there (apps/bench/gpu/run.sh says what it does). Node itself is put in as node.xz unless it is there.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../peers/webgpu/bundle.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const out = process.argv[2];
if (!out) {
  console.error('[pack] the folder to write is missing; usage: node apps/bench/gpu/pack.mjs OUT');
  process.exit(2);
}
const modules = join(out, 'node_modules');
rmSync(modules, { recursive: true, force: true });
mkdirSync(modules, { recursive: true });

for (const folder of [...foldersIn('packages'), 'apps/cli']) {
  const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const to = join(modules, name);
  const parts = ['package.json', 'dist', ...(folder.endsWith('cuda') ? ['src/kernels'] : []), 'data'];
  for (const part of parts) {
    const from = join(root, folder, part);
    const filter = (/** @type {string} */ path) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path);
    if (existsSync(from)) cpSync(from, join(to, part), { recursive: true, filter });
  }
}
for (const name of ['koffi', 'yaml', '@huggingface/tokenizers', '@huggingface/jinja']) copyInstalled(name);
copyPlatformPackage();
copyDawn();
cpSync(join(root, 'apps/bench/gpu/vitest-shim'), join(modules, 'vitest'), { recursive: true });
for (const name of [
  'run.sh',
  'conformance.mjs',
  'webgpu.mjs',
  'tune-matmul.mjs',
  'tune-gemv.mjs',
  'tune-products.mjs',
  'decode-table.mjs',
  'rows.mjs',
  'rows.py',
]) {
  const from = join(root, 'apps/bench/gpu', name);
  if (existsSync(from)) cpSync(from, join(out, name));
}
// TensorFlow.js's WebGPU backend, for a comparison on the same GPU.
await bundle(['ours', 'tfjs'], join(out, 'webgpu-race.mjs'));
cpSync(join(root, 'apps/cli/test/fixtures/goldens'), join(out, 'goldens'), { recursive: true });
if (!existsSync(join(out, 'node.xz'))) packNode(join(out, 'node.xz'));
console.log(`[pack] ${out} is ready`);

/** @param {string} parent */
function foldersIn(parent) {
  return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
}

/** A dependency as some package of the workspace has it. @param {string} name */
function copyInstalled(name) {
  for (const folder of [...foldersIn('packages'), 'apps/cli']) {
    const from = join(root, folder, 'node_modules', name);
    if (!existsSync(from)) continue;
    const skip = /koffi\/(vendor|doc)|\.(map|cc|hh|inc|txt|md|ts)$/;
    cpSync(realpathSync(from), join(modules, name), {
      recursive: true,
      dereference: true,
      filter: (path) => !skip.test(path),
    });
    return;
  }
}

/** koffi's binary for this platform. */
function copyPlatformPackage() {
  const require = createRequire(
    realpathSync(join(root, 'packages/backend-cuda/node_modules/koffi/package.json')),
  );
  const name = `@koromix/koffi-${process.platform}-${process.arch}`;
  const from = dirname(require.resolve(`${name}/package.json`));
  cpSync(from, join(modules, name), { recursive: true, dereference: true });
}

/** Dawn for this platform, and a Vulkan loader, which machines for computing alone do not have. */
function copyDawn() {
  const from = realpathSync(join(root, 'packages/backend-webgpu/node_modules/webgpu'));
  const to = join(modules, 'webgpu');
  for (const part of ['package.json', 'index.js', `dist/${process.platform}-${process.arch}`])
    cpSync(join(from, part), join(to, part), { recursive: true });
  const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/chromium/libvulkan.so.1'];
  const loader = loaders.find((path) => existsSync(path));
  if (!loader) console.error('[pack] no libvulkan.so.1 here: install libvulkan1 for the stages of WebGPU');
  else cpSync(loader, join(out, 'vulkan/libvulkan.so.1'), { dereference: true });
}

/** @param {string} to */
function packNode(to) {
  const script = 'strip -o "$1.bin" "$0" && xz -6 -T0 -c "$1.bin" > "$1" && rm "$1.bin"';
  const { status, stderr } = spawnSync('sh', ['-c', script, realpathSync(process.execPath), to], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`[pack] strip and xz are needed to pack Node: ${stderr}`);
}
