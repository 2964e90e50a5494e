// Builds the library that stands in for libcuda.so.1 and libcublasLt in the tests: src/kernels/*.cu as C++ for this
// machine, with a driver and a runtime that run them. README.md says how to use it.
//
//   node test/emulator/build-emulator.mjs [FOLDER]     builds and prints one line; FOLDER: other kernels than src/kernels
//
// Objects are kept by content in node_modules/.cache/emulator, so that a change costs the files it touches.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const packageFolder = join(here, '../..');
const cache = join(packageFolder, 'node_modules/.cache/emulator');
const KEPT_DAYS = 7;

const COMMON = ['-fPIC', '-fvisibility=hidden', '-g1', '-fno-strict-aliasing', '-ffp-contract=off'];
const RUNTIME = [
  ...COMMON,
  '-std=c++20',
  '-O2',
  '-fvisibility-inlines-hidden',
  '-Wall',
  '-Wextra',
  '-Werror',
];
// Nothing is vectorised: loads and stores stay those that the source has, and so do their checks.
const KERNELS = [
  ...[...COMMON, '-std=c++17', '-O1', '-fno-math-errno', '-fno-trapping-math'],
  ...['-w', '-Werror=uninitialized', '-Werror=return-type', '-DQSPARSE_EMULATED'],
];
/** Compilers, best first, with the flags that only they know. */
const COMPILERS = [
  {
    names: ['clang++-19', 'clang++-20', 'clang++-21', 'clang++'],
    oldest: 16,
    flags: ['-fno-vectorize', '-fno-slp-vectorize'],
  },
  { names: ['g++'], oldest: 12, flags: ['-fno-tree-vectorize'] },
];
/** Every load and store of a kernel calls the emulator, and so does what C++ leaves undefined. */
const CHECKS = [
  '-fsanitize=thread,alignment,bounds,bool,float-cast-overflow,integer-divide-by-zero,return,shift,signed-integer-overflow',
  '-fno-sanitize-recover=all',
];

/** @typedef {{ path: string, version: string, flags: readonly string[] }} Compiler */
/** @typedef {{ path: string, cublasLt: string } | { missing: string }} Emulator */

/**
 * Builds what is not built yet. `folder` holds the .cu files; `checks: false` leaves out the checks of plain loads and
 * stores. Says in `missing` why this machine cannot; throws where a source does not compile.
 * @param {{ folder?: string, checks?: boolean }} [options] @returns {Emulator}
 */
export function buildEmulator(options = {}) {
  const plan = makePlan(options);
  if ('missing' in plan) return plan;
  if (!existsSync(plan.library)) {
    const request = JSON.stringify(options);
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--build', request], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    if (child.status !== 0)
      throw new Error(child.stderr.trim() || `the build ended with ${child.status ?? child.signal}`);
    if (child.stderr) process.stderr.write(child.stderr);
    return JSON.parse(child.stdout);
  }
  return { path: plan.library, cublasLt: plan.library };
}

/** @param {{ folder?: string, checks?: boolean }} options */
function makePlan({
  folder = join(packageFolder, 'src/kernels'),
  checks = process.env.QSPARSE_EMULATED_CHECKS !== '0',
}) {
  if (process.platform !== 'linux')
    return { missing: `the emulator runs on Linux, this is ${process.platform}` };
  const compiler = findCompiler();
  if (!compiler) return { missing: 'it needs clang++ 16 or newer (best 19) or g++ 12 or newer on the PATH' };
  const kernelFlags = [...KERNELS, ...machineFlags(), ...compiler.flags, ...(checks ? CHECKS : [])];
  /** @param {string} file */
  const flagsOf = (file) =>
    checks && basename(file) === 'instrumentation.cpp' ? [...RUNTIME, '-DQSPARSE_INSTRUMENTED'] : RUNTIME;
  const units = [
    ...filesIn(folder, '.cu').map((file) => kernelUnit(compiler, kernelFlags, file, folder)),
    ...['.', 'runtime', 'driver'].flatMap((part) =>
      filesIn(join(here, part), '.cpp').map((file) =>
        unit(compiler, flagsOf(file), file, readFileSync(file, 'utf8'), here),
      ),
    ),
  ];
  const library = join(cache, `libcuda-${hash(units.map(({ object }) => object))}.so`);
  return { compiler, units, library };
}

/**
 * A .cu file goes into an unnamed namespace: files may use one name for different things.
 * @param {Compiler} compiler @param {string[]} flags @param {string} file @param {string} folder
 */
function kernelUnit(compiler, flags, file, folder) {
  const name = basename(file, '.cu');
  const own = [
    ...[...flags, `-DQSPARSE_MODULE="${name}"`, `-DQSPARSE_SHARED_SECTION=".qsparse_shared.${name}"`],
    ...[
      '-I',
      folder,
      '-I',
      join(packageFolder, 'src/kernels'),
      '-I',
      here,
      '-include',
      join(here, 'emulated.h'),
    ],
  ];
  const source = `namespace {\n#include "${file}"\n}\n`;
  return unit(compiler, own, file, source, folder);
}

/** @param {Compiler} compiler @param {string[]} flags @param {string} file @param {string} source @param {string} folder */
function unit(compiler, flags, file, source, folder) {
  const folders = [resolve(file, '..'), folder, join(packageFolder, 'src/kernels'), here];
  const header = file.endsWith('.cu') ? '#include "emulated.h"\n' : '';
  const text = withIncludes(header + source, folders, new Set());
  const key = hash([compiler.version, ...flags, ...text]);
  return { file, source, flags, object: join(cache, `${basename(file).replace('.', '-')}-${key}.o`) };
}

/** The texts of a source and of all that it includes. @param {string} source @param {string[]} folders @param {Set<string>} seen @returns {string[]} */
function withIncludes(source, folders, seen) {
  const texts = [source];
  for (const [, name] of source.matchAll(/^#include "([^"]+)"$/gm)) {
    const path = folders.map((folder) => resolve(folder, name)).find((candidate) => existsSync(candidate));
    if (!path || seen.has(path)) continue;
    seen.add(path);
    texts.push(...withIncludes(readFileSync(path, 'utf8'), [resolve(path, '..'), ...folders], seen));
  }
  return texts;
}

/** @param {string[]} parts */
const hash = (parts) => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 20);

/** @param {string} folder @param {string} extension */
const filesIn = (folder, extension) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(folder, name));

/** @returns {Compiler | undefined} */
function findCompiler() {
  const wanted = process.env.QSPARSE_EMULATED_COMPILER;
  for (const { names, oldest, flags } of COMPILERS) {
    for (const path of names.filter((name) => !wanted || name === wanted)) {
      const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
      const version = /(?:clang version |\) )((\d+)\.[\d.]+)/.exec(stdout ?? '');
      if (version && Number(version[2]) >= oldest) return { path, version: `${path} ${version[1]}`, flags };
    }
  }
  return undefined;
}

/** A fused multiply-add as one instruction instead of a call, where the machine has it. */
function machineFlags() {
  if (process.arch !== 'x64') return [];
  const known = /^flags.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0].split(/\s+/) ?? [];
  return ['fma', 'bmi1', 'avx2'].every((flag) => known.includes(flag)) ? ['-mfma', '-mbmi', '-mpopcnt'] : [];
}

/** @param {{ folder?: string, checks?: boolean }} options @returns {Promise<Emulator & { compiled?: number }>} */
async function build(options) {
  const plan = makePlan(options);
  if ('missing' in plan) return plan;
  const { compiler, units, library } = plan;
  mkdirSync(cache, { recursive: true });
  const missing = units.filter(({ object }) => !existsSync(object));
  const waiting = [...missing];
  /** @type {string[]} */
  const failures = [];
  const broken = new Set();
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const failure = await compile(compiler, next);
      if (failure === undefined) continue;
      failures.push(failure);
      broken.add(next);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const skip = process.env.QSPARSE_EMULATED_SKIP === '1';
  if (failures.length > 0 && !skip) throw new Error(failures.join('\n'));
  for (const failure of failures)
    console.error(`${failure}\n[emulator] left out, since QSPARSE_EMULATED_SKIP=1`);
  const good = units.filter((one) => !broken.has(one));
  // A library without some of its kernels has a name of its own.
  const target =
    broken.size === 0 ? library : library.replace('.so', `-${hash(good.map(({ object }) => object))}.so`);
  const beside = `${target}.${process.pid}`;
  const link = [
    '-shared',
    '-Wl,-z,defs',
    '-Wl,-Bsymbolic',
    '-o',
    beside,
    ...good.map(({ object }) => object),
    '-ldl',
    '-lm',
  ];
  const { status, stderr } = spawnSync(compiler.path, link, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`[emulator] does not link: ${firstError(stderr)}`);
  renameSync(beside, target);
  for (const { object } of good) utimesSync(object, new Date(), new Date());
  dropOld();
  return { path: target, cublasLt: target, compiled: missing.length };
}

/** @param {Compiler} compiler @param {ReturnType<typeof unit>} what @returns {Promise<string | undefined>} what is wrong */
async function compile(compiler, { file, source, flags, object }) {
  const beside = `${object}.${process.pid}`;
  const isKernel = file.endsWith('.cu');
  const child = spawn(compiler.path, [
    ...flags,
    '-c',
    '-o',
    beside,
    ...(isKernel ? ['-x', 'c++', '-'] : [file]),
  ]);
  if (isKernel) child.stdin.end(source);
  let printed = '';
  child.stderr.on('data', (part) => {
    printed += part;
  });
  const code = await new Promise((done) => child.on('close', done));
  if (code === 0 && isKernel && compiler.path === 'g++') collectShared(beside, basename(file, '.cu'));
  if (code !== 0) return `[emulator] ${basename(file)} does not compile: ${firstError(printed)}`;
  renameSync(beside, object);
  return undefined;
}

/**
 * g++ leaves static variables of templates out of the section that they should be in. A kernel has no others: all go there.
 * @param {string} object @param {string} name
 */
function collectShared(object, name) {
  const section = `.qsparse_shared.${name}`;
  const asData = ['--set-section-flags', '.bss=alloc,load,data,contents'];
  spawnSync('objcopy', [...asData, object]);
  const { status } = spawnSync('objcopy', ['--rename-section', `.bss=${section}`, object]);
  if (status !== 0) throw new Error('[emulator] g++ needs objcopy of the binutils beside it');
}

/** @param {string} printed */
const firstError = (printed) =>
  printed
    .split('\n')
    .find((line) => /error:|undefined|multiple/.test(line))
    ?.trim() ?? printed.slice(0, 500);

function dropOld() {
  const oldest = Date.now() - KEPT_DAYS * 24 * 3600 * 1000;
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    // Another process may have just moved or removed it.
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry && entry.mtimeMs < oldest) rmSync(path, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const [, , first, request] = process.argv;
    if (first === '--build') console.log(JSON.stringify(await build(JSON.parse(request ?? '{}'))));
    else {
      const start = performance.now();
      const built = await build(first ? { folder: resolve(first) } : {});
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      if ('missing' in built) console.error(`[emulator] cannot be built here: ${built.missing}`);
      else console.log(`[emulator] ${built.path} (${built.compiled} files compiled, ${seconds} s)`);
      process.exitCode = 'missing' in built ? 2 : 0;
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
