// What a browser downloads: minified and gzipped bytes of each package's main entry without our other packages, and
// of the bundles that users build, with everything. Budgets are in sizes.json, in KB (1,000 bytes). What is loaded by a
// dynamic import, when a user asks for it, has budgets of its own and does not count for its package.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { publishedPackages } from './packages.mjs';
import { root } from './setup.mjs';

/**
 * `oneOf`: files of which a user loads only one; the largest counts. `notForBrowsers`: packages that need Node. `onDemand`: by
 * the names of their chunks.
 * @type {{ oneOf: string[], notForBrowsers: string[], onDemand: Record<string, number>, packages: Record<string, number>, bundles: Record<string, { of: string[], budget: number }> }}
 */
const budgets = JSON.parse(readFileSync(`${root}/scripts/sizes.json`, 'utf8'));
const published = publishedPackages();
const libraries = published.filter(
  ({ entries, manifest }) =>
    entries.includes(manifest.name) && !budgets.notForBrowsers.includes(manifest.name),
);
const problems = [];
/** @type {Map<string, number>} bytes of the chunks that are loaded on demand */
const onDemand = new Map();
let most = 0;

for (const { name, manifest } of libraries) {
  const budget = budgets.packages[name];
  if (budget === undefined) problems.push(`${name} has no budget in scripts/sizes.json`);
  else judge(name, await measure([name], others(name, manifest.peerDependencies)), budget);
}
for (const name of Object.keys(budgets.packages)) {
  if (!libraries.some((library) => library.name === name))
    problems.push(`${name} of scripts/sizes.json is no package`);
}
for (const [name, { of, budget }] of Object.entries(budgets.bundles))
  judge(name, await measure(of, []), budget);

for (const [name, budget] of Object.entries(budgets.onDemand)) {
  if (!onDemand.has(name))
    problems.push(`${name} of scripts/sizes.json is no chunk that is loaded on demand`);
  else judge(`on demand: ${name}`, onDemand.get(name), budget);
}

for (const problem of problems) console.error(`[check-sizes] ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(
  `${libraries.length} packages and ${Object.keys(budgets.bundles).length} bundles, the fullest at ${most} % of its budget`,
);

function others(name, peers = {}) {
  return [...published.flatMap(({ entries }) => entries).filter((id) => id !== name), ...Object.keys(peers)];
}

function judge(name, bytes, budget) {
  const kilobytes = bytes / 1000;
  const share = Math.round((100 * kilobytes) / budget);
  console.log(`${name.padEnd(28)} ${kilobytes.toFixed(1).padStart(6)} KB of ${budget}`);
  most = Math.max(most, share);
  if (share > 100) problems.push(`${name} has ${kilobytes.toFixed(1)} KB gzipped, its budget is ${budget}`);
}

/**
 * @param {readonly string[]} entries
 * @param {readonly string[]} external imports that are left out
 * @returns {Promise<number>} bytes of all files that every user loads, each gzipped
 */
async function measure(entries, external) {
  const id = 'virtual:entry';
  const exports = entries.map((name, i) => `export * as entry${i} from ${JSON.stringify(resolve(name))};`);
  const entry = {
    name: 'entry',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (resolved) => (resolved === `\0${id}` ? exports.join('\n') : null),
  };
  const { output } = await build({
    configFile: false,
    root,
    logLevel: 'error',
    plugins: [entry],
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: { input: id, external: [...external], preserveEntrySignatures: 'strict' },
    },
  });
  let [all, largest] = [0, 0];
  for (const file of output) {
    const bytes = gzipSync(file.code ?? file.source, { level: 9 }).length;
    if (file.isDynamicEntry && file.name in budgets.onDemand) onDemand.set(file.name, bytes);
    else if (budgets.oneOf.includes(file.name)) largest = Math.max(largest, bytes);
    else all += bytes;
  }
  return all + largest;
}

/** The built file of an entry point. */
function resolve(id) {
  const { folder, name, exports } = published.find(({ entries }) => entries.includes(id));
  return `${root}/${folder}/${exports[`.${id.slice(name.length)}`].default.slice(2)}`;
}
