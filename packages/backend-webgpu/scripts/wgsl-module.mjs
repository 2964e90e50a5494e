// Reads one WGSL module in the form that the kernels keep to: one declaration a line, includes as comments.

/** Bytes of the elements that a storage binding's array may have. */
const UNITS = {
  f32: 4,
  u32: 4,
  i32: 4,
  vec2f: 8,
  vec2u: 8,
  vec2i: 8,
  vec4f: 16,
  vec4u: 16,
  vec4i: 16,
};
const MOST_STORAGE_BINDINGS = 8;
const DIRECTIVE = /^(enable|requires|diagnostic)\b/;

const camelCase = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** @param {string} file @param {(name: string) => string} read */
export function parseModule(file, read) {
  const fail = (what) => {
    throw new Error(`src/kernels/${file}: ${what}`);
  };
  const parts = partsOf(file, read).filter(({ text }) => text !== '');
  const directives = [...new Set(parts.flatMap((part) => part.directives))];
  const source = parts.map(({ text }) => text).join('');

  const struct = /struct Arguments \{([^}]*)\}/.exec(source);
  const bindings = [];
  let uniform;
  for (const [, index, space, name, type] of source.matchAll(
    /@group\(0\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)\s*:\s*([^;]+);/g,
  )) {
    if (space === 'uniform') {
      if (type.trim() !== 'Arguments') fail(`binding ${name} must be of type Arguments`);
      uniform = Number(index);
      continue;
    }
    const writes = /^storage,\s*read_write$/.test(space);
    if (!writes && !/^storage,\s*read$/.test(space)) fail(`binding ${name} is in ${space}`);
    const [, element] =
      /^array<\s*(?:atomic<)?(\w+)>{1,2}$/.exec(type.trim()) ?? fail(`binding ${name}: ${type}`);
    const unit = UNITS[element] ?? fail(`binding ${name} has elements of type ${element}`);
    bindings.push({ name, index: Number(index), writes, unit });
  }
  if (bindings.length > MOST_STORAGE_BINDINGS) {
    fail(`${bindings.length} storage bindings, core WebGPU has ${MOST_STORAGE_BINDINGS}`);
  }
  if (new Set([uniform, ...bindings.map(({ index }) => index)]).size !== bindings.length + 1) {
    fail('two bindings have one number, or there is no uniform');
  }
  const entries = [...source.matchAll(/@compute[^{;]*?\bfn\s+(\w+)/g)].map(([, name]) => name);
  const overrides = [...source.matchAll(/^\s*override\s+(\w+)\s*(?::\s*(\w+))?/gm)].map(([, name, type]) => ({
    name,
    type,
  }));
  const fields = struct ? [...struct[1].matchAll(/(\w+)\s*:\s*(\w+)/g)] : [];
  if (entries.length > 0 && !struct) fail('there is no struct Arguments');
  const names = bindings.map((binding) => binding.name);
  return {
    name: file.replace(/\.wgsl$/, ''),
    directives,
    parts,
    uniform,
    bindings: bindings.sort((a, b) => a.index - b.index),
    entries,
    overrides,
    fields: fields.map(([, name, type]) => {
      if (!['u32', 'i32', 'f32'].includes(type)) fail(`argument ${name} is ${type}`);
      const view = name.endsWith('_at') && names.includes(name.slice(0, -3)) ? name.slice(0, -3) : undefined;
      if (name.endsWith('_at') && !view) fail(`argument ${name} belongs to no binding`);
      return { argument: camelCase(name), type, view };
    }),
  };
}

/**
 * The text of a file and of what it includes, each file once, in order: where from, directives (which must come first in
 * a module), and lines without comments and indentation. Each part begins with a line that says where its next one is in
 * its file, as `//rows:12`, or `//:12` in the module's own; empty lines in between stay, so that lines can be counted.
 */
function partsOf(file, read, included = new Set()) {
  if (included.has(file)) return [];
  const isOwn = included.size === 0;
  included.add(file);
  const text = read(file).replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''));
  let line = 1;
  return text.split(/^(\/\/#include "[^"]+")[ \t]*\n/m).flatMap((piece) => {
    const [, other] = /^\/\/#include "([^"]+)"$/.exec(piece) ?? [];
    if (other) {
      line += 1;
      return partsOf(other, read, included);
    }
    const lines = piece.split('\n').map((each) => each.replace(/\/\/.*$/, '').trim());
    const directives = lines.filter((each) => DIRECTIVE.test(each));
    const code = lines.map((each) => (DIRECTIVE.test(each) ? '' : each));
    const first = code.findIndex((each) => each !== '');
    const last = code.findLastIndex((each) => each !== '');
    const at = line + first;
    line += lines.length - 1;
    const text =
      first < 0
        ? ''
        : `//${isOwn ? '' : file.replace('.wgsl', '')}:${at}\n${code.slice(first, last + 1).join('\n')}\n`;
    return [{ file, directives, text }];
  });
}
