// Reads the argument structs of the kernels out of the C sources. Not a C parser: it knows the four field forms that
// src/runtime/kernel.h allows and stops at anything else, so that C and TypeScript cannot disagree about a word.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const KERNEL = /^KERNEL\((\w+)\)/gm;
const FIELD =
  /^(?:(?:const )?(?:void|float|double|u?int(?:8|16|32|64)_t) \*(?:restrict )?(?<pointer>\w+)|(?<type>int32_t|uint32_t|float) (?<word>\w+));$/;
const WORD_TYPES = /** @type {Record<string, string>} */ ({ int32_t: 'i32', uint32_t: 'i32', float: 'f32' });

/** @param {string} name */
const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** @param {string} text */
const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

/**
 * @param {string} root
 * @param {string[]} files
 * @returns {Record<string, Record<string, string>>} kernel name to field name to 'pointer' | 'i32' | 'f32', in order
 */
export function readKernels(root, files) {
  /** @type {Record<string, Record<string, string>>} */
  const kernels = {};
  for (const file of files) {
    const text = withoutComments(readFileSync(join(root, file), 'utf8'));
    for (const [, name] of text.matchAll(KERNEL)) {
      if (name in kernels)
        throw new Error(`[build-wasm] two kernels are called ${name}, the second in ${file}`);
      const body = new RegExp(`^struct ${name}_args \\{\\n([\\s\\S]*?)^\\};`, 'm').exec(text)?.[1];
      if (body === undefined)
        throw new Error(`[build-wasm] ${file} has no struct ${name}_args before KERNEL(${name})`);
      kernels[name] = readFields(`${file}: struct ${name}_args`, body);
    }
  }
  return Object.fromEntries(Object.entries(kernels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {string} where @param {string} body */
function readFields(where, body) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of body
    .split('\n')
    .map((text) => text.trim())
    .filter(Boolean)) {
    const { pointer, type, word } = FIELD.exec(line)?.groups ?? {};
    const field = pointer ?? word;
    if (field === undefined) {
      throw new Error(
        `[build-wasm] ${where}: cannot read "${line}"; use \`const T *x;\`, \`T *y;\`, \`int32_t n;\` or \`float s;\``,
      );
    }
    fields[camelCase(field)] = pointer ? 'pointer' : WORD_TYPES[type];
  }
  return fields;
}
