// Makes src/generated/kernels.ts of src/kernels/*.wgsl: sources with what they include, without comments, and as types
// their bindings, arguments, entry points and overrides. `--check` compares and exits with 1 where it is old.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseModule } from './wgsl-module.mjs';

const kernels = new URL('../src/kernels/', import.meta.url);
const target = new URL('../src/generated/kernels.ts', import.meta.url);
const read = (name) => readFileSync(new URL(name, kernels), 'utf8');

const modules = [];
const problems = [];
for (const file of readdirSync(kernels).sort()) {
  if (!file.endsWith('.wgsl')) continue;
  try {
    const module = parseModule(file, read);
    // A file without entry points is only included by others.
    if (module.entries.length > 0) modules.push(module);
  } catch (error) {
    problems.push(error.message);
  }
}

const quoted = (text) => `'${text}'`;
const union = (names) => (names.length > 0 ? names.map(quoted).join(' | ') : 'never');
const types = modules.map(
  ({ name, entries, bindings, fields, overrides }) => `  '${name}': {
    entries: ${union(entries)};
    bindings: ${union(bindings.map((binding) => binding.name))};
    arguments: ${union(fields.filter((field) => !field.view).map((field) => field.argument))};
    overrides: ${union(overrides.map((override) => override.name))};
  };`,
);
const taken = new Map();
/** Such as ROWS_SUBGROUPS, and ROWS_SUBGROUPS_2 for what follows an include in the same file. */
const constantOf = (file) => {
  const name = file.replace('.wgsl', '').replaceAll('-', '_').toUpperCase();
  taken.set(name, (taken.get(name) ?? 0) + 1);
  return taken.get(name) === 1 ? name : `${name}_${taken.get(name)}`;
};
/** Texts of files that several modules hold, each once. */
const shared = new Map();
const known = new Map();
for (const { name, parts } of modules) {
  for (const { file, text } of parts) {
    if (known.has(text) && known.get(text) !== name && !shared.has(text)) shared.set(text, constantOf(file));
    known.set(text, name);
  }
}
const sourceOf = (directives, parts) => {
  const head = directives.map((line) => `${line}\n`).join('');
  const texts = parts.map(({ text }) => shared.get(text) ?? JSON.stringify(text));
  return [...(head ? [JSON.stringify(head)] : []), ...texts].join(' + ');
};

const values = modules.map(({ name, directives, parts, uniform, bindings, fields, overrides }) => {
  const bindingRows = bindings.map(
    (b) => `      { name: '${b.name}', index: ${b.index}, writes: ${b.writes}, unit: ${b.unit} },`,
  );
  const fieldRows = fields.map(
    (f) => `      { name: '${f.argument}', type: '${f.type}'${f.view ? `, view: '${f.view}'` : ''} },`,
  );
  return `  '${name}': {
    uniform: ${uniform ?? 'undefined'},
    bindings: [
${bindingRows.join('\n')}
    ],
    fields: [
${fieldRows.join('\n')}
    ],
    overrides: [${overrides.map((override) => quoted(override.name)).join(', ')}],
    source: ${sourceOf(directives, parts)},
  },`;
});
const text = `// Made by scripts/build-wgsl.mjs from src/kernels/*.wgsl.
import type { ModuleData } from '../module-data.ts';

${[...shared].map(([text, name]) => `const ${name} = ${JSON.stringify(text)};`).join('\n')}

export interface Modules {
${types.join('\n')}
}

export const MODULES: { readonly [M in keyof Modules]: ModuleData } = {
${values.join('\n')}
};
`;

for (const problem of problems) console.error(`[build-wgsl] ${problem}`);
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(
      '[build-wgsl] src/generated/kernels.ts is old; run: pnpm --filter @qsparse/backend-webgpu build:wgsl',
    );
    process.exit(1);
  }
} else {
  // In one step, since tests may be reading it.
  const fresh = new URL(`${target.href}.${process.pid}`);
  writeFileSync(fresh, text);
  renameSync(fresh, target);
}
if (problems.length > 0) process.exit(1);
console.log(`[build-wgsl] ${modules.length} modules, ${Math.round(text.length / 1024)} KiB`);
