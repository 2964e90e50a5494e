// Contestants of race.mjs as one file each, for a page or for Node: what the registry has is installed into
// node_modules/.cache/peers, ours is what was built.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const cache = join(root, 'node_modules/.cache/peers/webgpu');
export const VERSIONS = {
  '@jax-js/jax': '0.1.25',
  '@tensorflow/tfjs-backend-webgpu': '4.22.0',
  '@tensorflow/tfjs-core': '4.22.0',
  // Imported by the WebGPU backend and not installed with it.
  '@tensorflow/tfjs-backend-cpu': '4.22.0',
};

/** What TensorFlow.js asks of Node's util, where it finds Node; pages have none. */
const UTIL = `export const { TextEncoder, TextDecoder } = globalThis;
const is = (name) => (value) => value instanceof globalThis[name];
export const types = Object.fromEntries(
  ['Float32Array', 'Int32Array', 'Uint8Array', 'Uint8ClampedArray'].map((name) => ['is' + name, is(name)]),
);`;

/**
 * Writes an ES module that exports `open` of each of `names` in a list, `openers`, and `race`. Several chunks become one
 * file. @param {readonly string[]} names @param {string} to
 */
export async function bundle(names, to) {
  install();
  const imports = names.map(
    (name, i) => `import { open as open${i} } from ${JSON.stringify(join(here, `${name}.mjs`))};`,
  );
  const entry = [
    ...imports,
    `export const openers = [${names.map((_, i) => `open${i}`).join(', ')}];`,
    `export { race } from ${JSON.stringify(join(here, 'race.mjs'))};`,
  ].join('\n');
  const id = 'virtual:entry';
  const modules = { [id]: entry, util: UTIL };
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: here,
    resolve: { alias: [...aliases()] },
    plugins: [
      {
        name: 'entry',
        enforce: 'pre',
        resolveId: (source) => (source in modules ? `\0${source}` : null),
        load: (resolved) => modules[resolved.slice(1)] ?? null,
      },
    ],
    build: {
      write: false,
      target: 'esnext',
      minify: true,
      modulePreload: false,
      rollupOptions: {
        input: id,
        preserveEntrySignatures: 'strict',
        output: { format: 'es', codeSplitting: false },
      },
    },
  });
  const chunks = [result]
    .flat()
    .flatMap(({ output }) => output)
    .filter(({ type }) => type === 'chunk');
  if (chunks.length !== 1) throw new Error(`[bench] one file was expected, there are ${chunks.length}`);
  writeFileSync(to, chunks[0].code);
}

/** Peers from the cache, our packages as they were built. */
function* aliases() {
  for (const name of Object.keys(VERSIONS)) {
    const folder = join(cache, 'node_modules', name);
    const { module } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    yield { find: new RegExp(`^${name}$`), replacement: join(folder, module) };
    yield { find: new RegExp(`^${name}/`), replacement: `${folder}/` };
  }
  for (const folder of readdirSync(join(root, 'packages'))) {
    const built = join(root, 'packages', folder, 'dist/index.js');
    yield { find: new RegExp(`^@qsparse/${folder}$`), replacement: built };
  }
}

function install() {
  if (existsSync(join(cache, 'node_modules'))) return;
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], {
    cwd: cache,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}
