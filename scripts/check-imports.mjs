// Keeps the arrows of docs/architecture.md: what each package may import at run time, and no node: module in core.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './setup.mjs';

/** Run-time imports that each package may have among ours. Tests and apps may import anything. */
const ALLOWED = {
  core: [],
  quantizers: ['core'],
  layers: ['core', 'quantizers'],
  models: ['core', 'quantizers', 'layers', 'formats'],
  training: ['core', 'data', 'formats'],
  data: ['formats'],
  formats: [],
  scaling: [],
  showcase: [],
  'backend-cpu': ['core', 'quantizers'],
  'backend-cuda': ['core', 'quantizers'],
  'backend-webgpu': ['core', 'quantizers'],
  conformance: ['core', 'quantizers'],
  qsparse: [
    ...[
      'core',
      'quantizers',
      'layers',
      'models',
      'training',
      'data',
      'formats',
      'backend-cpu',
      'backend-cuda',
      'backend-webgpu',
    ],
  ],
};
/** Folders whose files may import node: modules; everything else must load in a browser. CUDA is for Node alone. */
const NODE_FOLDERS = ['/src/node/', '/packages/backend-cuda/'];
const IMPORT =
  /(?:^|[\s;])(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|(?:^|[\s;(])import\s*\(?\s*['"]([^'"]+)['"]/g;

const problems = [];
for (const folder of readdirSync(`${root}/packages`)) {
  const allowed = ALLOWED[folder];
  if (!allowed) {
    problems.push(`packages/${folder}: not in scripts/check-imports.mjs; say there what it may import`);
    continue;
  }
  for (const file of filesUnder(`${root}/packages/${folder}/src`)) {
    const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|typeof import\([^)]*\)/g, '');
    const where = relative(root, file);
    for (const [statement, from, dynamic] of text.matchAll(IMPORT)) {
      const target = from ?? dynamic;
      const [, ours] = /^@qsparse\/([^/]+)/.exec(target) ?? [];
      if (ours && ours !== folder && !allowed.includes(ours))
        problems.push(`${where}: ${folder} may not import ${target}`);
      if (
        target.startsWith('node:') &&
        !/import\s+type/.test(statement) &&
        !NODE_FOLDERS.some((part) => `/${where}`.includes(part))
      ) {
        problems.push(`${where}: ${target} may be imported only under src/node/`);
      }
    }
    if (/device\.name\s*===/.test(text))
      problems.push(`${where}: shared code asks device.caps, never device.name`);
  }
}
for (const problem of problems) console.error(`[check-imports] ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(`[check-imports] ${Object.keys(ALLOWED).length} packages keep their arrows`);

/** @param {string} folder @returns {string[]} */
function filesUnder(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesUnder(path);
    return /\.(ts|js)$/.test(name) ? [path] : [];
  });
}
