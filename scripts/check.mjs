// `npm run check`: everything but the tests, one line a check. `npm run check -- style types` runs only those.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { environment, install, PROJECTS, root, tool } from './setup.mjs';

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {string} why shown when it fails
 * @property {readonly string[]} command
 * @property {boolean} [built] needs the build first
 * @property {number} [skip] the exit code that means: cannot be checked on this machine
 */
const script = (file, ...args) => [process.execPath, `scripts/${file}`, ...args];
const kernels = ['packages/backend-cpu/scripts/build-wasm.mjs', '--check'];
const cudaKernels = ['packages/backend-cuda/scripts/build-kernels.mjs', '--check'];
/** Build first: others wait for it. Longest first after that. @type {readonly Check[]} */
const CHECKS = [
  { name: 'build', why: 'a package or app does not compile', command: [tool('tsc'), '-b', ...PROJECTS] },
  {
    name: 'kernels',
    why: 'the committed WebAssembly is not what the C sources give',
    command: [process.execPath, ...kernels],
    skip: 2,
  },
  {
    name: 'cuda',
    why: 'a CUDA kernel does not compile, or its committed arguments are old',
    command: [process.execPath, ...cudaKernels],
    skip: 2,
  },
  {
    name: 'wgsl',
    why: 'the committed WebGPU kernels are not what the sources give',
    command: [process.execPath, 'packages/backend-webgpu/scripts/build-wgsl.mjs', '--check'],
  },
  { name: 'types', why: 'sources, tests or apps have type errors', command: [tool('tsc'), '-p', '.'] },
  {
    name: 'packages',
    why: 'a package would not work once published',
    command: script('check-packages.mjs'),
    built: true,
  },
  { name: 'sizes', why: 'a bundle is over its budget', command: script('check-sizes.mjs'), built: true },
  {
    name: 'docs',
    why: 'an example in the documentation is wrong',
    command: script('check-docs.mjs'),
    built: true,
  },
  { name: 'unused', why: 'dead files, exports or dependencies', command: [tool('knip'), '--no-progress'] },
  { name: 'release', why: 'the next release would be wrong', command: script('check-release.mjs') },
  {
    name: 'style',
    why: 'run: npm run format',
    command: [tool('biome'), 'check', '--error-on-warnings', '.'],
  },
  {
    name: 'imports',
    why: 'an arrow of docs/architecture.md is broken',
    command: script('check-imports.mjs'),
  },
  { name: 'files', why: 'a file does not belong in the repository', command: script('check-files.mjs') },
  { name: 'versions', why: 'package.json files disagree', command: [tool('sherif')] },
];

install();
const only = process.argv.slice(2);
const unknown = only.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(
    `[check] there is no check ${unknown.join(', ')}; there are ${CHECKS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
const wanted = CHECKS.filter(({ name }) => only.length === 0 || only.includes(name));
if (!wanted.includes(CHECKS[0]) && wanted.some(({ built }) => built)) wanted.unshift(CHECKS[0]);

const start = performance.now();
const results = new Map();
const waiting = [...wanted];
const worker = async () => {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    if (check.built && (await results.get('build')) !== 'ok')
      report(check, 'none', performance.now(), 'the build failed');
    else {
      const result = execute(check);
      results.set(check.name, result);
      await result;
    }
  }
};
/** @type {Record<'ok' | 'fail' | 'none', number>} */
const counts = { ok: 0, fail: 0, none: 0 };
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
console.log(
  `[check] ${counts.ok} passed, ${counts.fail} failed, ${counts.none} could not run; ${seconds(start)}`,
);
process.exit(counts.fail > 0 ? 1 : 0);

/** @param {Check} check @returns {Promise<'ok' | 'fail' | 'none'>} */
function execute(check) {
  const began = performance.now();
  const [command, ...args] = check.command;
  const shell = process.platform === 'win32' && command !== process.execPath;
  const env = { ...environment, NO_COLOR: '1', FORCE_COLOR: '0' };
  const child = spawn(command, args, { cwd: root, env, shell });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  child.on('error', (error) => (output += error.message));
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const result = code === 0 ? 'ok' : code === check.skip ? 'none' : 'fail';
      report(check, result, began, output);
      resolve(result);
    });
  });
}

function report({ name, why }, result, began, output) {
  const last = output.trim().split('\n').at(-1).trim().slice(0, 110);
  console.log(`${result.padEnd(4)}  ${name.padEnd(9)} ${seconds(began)}  ${result === 'fail' ? why : last}`);
  counts[result] += 1;
  if (result !== 'fail') return;
  console.log(output.trim().replace(/^/gm, '      | '));
}

function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`.padStart(6);
}
