// Builds src/kernels/*.cu.
//
//   node scripts/build-kernels.mjs             writes the argument layouts and, with nvcc, dist/fatbins
//   node scripts/build-kernels.mjs --structs   writes the argument layouts alone (src/generated/kernel-arguments.ts, committed)
//   node scripts/build-kernels.mjs --check     compiles every kernel and compares the committed layouts:
//                                              exit 1 when something is wrong, 2 without nvcc
//
// dist/fatbins holds NAME.fatbin for each .cu file (PTX for compute capabilities 7.5 and 8.0 and machine code for the targets below)
// and manifest.json, the hash of the source that each was built from. Where there is no fatbin, NVRTC compiles src/kernels.

import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inlinedSource, sourceHash } from './kernel-source.mjs';
import { argumentsModule, readKernels } from './kernel-structs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const kernelFolder = join(root, 'src/kernels');
const layouts = join(root, 'src/generated/kernel-arguments.ts');
const output = join(root, 'dist/fatbins');
/** Compiled objects by content, so that an unchanged kernel costs nothing. */
const cache = join(root, 'node_modules/.cache/fatbins');
/**
 * Compute capabilities that get machine code; QSPARSE_CUDA_TARGETS=90 names others. A check compiles one beside both PTX
 * forms, which are the only two that the sources tell apart: a release builds the others.
 */
const MACHINE_CODE =
  process.env.QSPARSE_CUDA_TARGETS?.split(',') ??
  (process.argv[2] === '--check' ? ['90'] : ['80', '89', '90', '100']);
const FLAGS = [
  ...['-std=c++17', '-O3', '--fatbin', '-Werror', 'all-warnings', '--compress-mode=size'],
  // PTX for what is neither listed below nor older: without the second, newer GPUs would get no tensor cores.
  ...['-gencode', 'arch=compute_75,code=compute_75', '-gencode', 'arch=compute_80,code=compute_80'],
  ...MACHINE_CODE.flatMap((target) => ['-gencode', `arch=compute_${target},code=sm_${target}`]),
];

const mode = process.argv[2] ?? '';
const names = readdirSync(kernelFolder)
  .filter((name) => name.endsWith('.cu'))
  .map((name) => basename(name, '.cu'))
  .sort();
const sources = names.map(
  (name) => /** @type {const} */ ([name, readFileSync(join(kernelFolder, `${name}.cu`), 'utf8')]),
);

const generated = argumentsModule(readKernels(sources));
if (mode === '--check') {
  if (readFileSync(layouts, 'utf8') !== generated)
    fail('src/generated/kernel-arguments.ts is not what the sources give; run pnpm build:cuda');
} else writeFileSync(layouts, generated);
if (mode !== '--structs') await build();

async function build() {
  const nvcc = findNvcc();
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  if (!nvcc) {
    console.log(
      `[kernels] ${names.length} sources; no nvcc here, so nothing was compiled: NVRTC compiles them where they run`,
    );
    process.exit(mode === '--check' ? 2 : 0);
  }
  mkdirSync(cache, { recursive: true });
  const start = performance.now();
  const waiting = [...names];
  let bytes = 0;
  /** @type {Record<string, string>} */
  const manifest = {};
  const worker = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const text = inlinedSource(kernelFolder, `${name}.cu`);
      manifest[name] = sourceHash(text);
      bytes += await compile(nvcc, name, text);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  writeFileSync(join(output, 'manifest.json'), JSON.stringify(manifest));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `[kernels] ${names.length} files compiled by nvcc ${nvcc.version} for sm_${MACHINE_CODE.join(', ')} and PTX 7.5, 8.0 in ${seconds} s; ${(bytes / 1024).toFixed(0)} KiB`,
  );
}

/** @param {{ path: string, version: string }} nvcc @param {string} name @param {string} text @returns {Promise<number>} bytes */
async function compile(nvcc, name, text) {
  const hash = sourceHash(text + nvcc.version + FLAGS.join(' '));
  const object = join(cache, `${name}-${hash}.fatbin`);
  const target = join(output, `${name}.fatbin`);
  if (!existsSync(object)) {
    const child = spawn(nvcc.path, [...FLAGS, '-o', target, join(kernelFolder, `${name}.cu`)]);
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (printed += part));
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) fail(`${name}.cu does not compile\n${printed}`);
    copyFileSync(target, object);
  } else copyFileSync(object, target);
  return readFileSync(target).length;
}

/** @returns {{ path: string, version: string } | undefined} */
function findNvcc() {
  const folders = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(Boolean);
  for (const path of ['nvcc', ...folders.map((folder) => join(/** @type {string} */ (folder), 'bin/nvcc'))]) {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    const version = /release [\d.]+, V([\d.]+)/.exec(stdout ?? '')?.[1];
    if (version) return { path, version };
  }
  return undefined;
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`[kernels] ${message}`);
  process.exit(1);
}
