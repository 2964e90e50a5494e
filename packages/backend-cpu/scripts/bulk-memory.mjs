// Finds memory.copy and memory.fill in a WebAssembly module by decoding every instruction of its code section. Knows the
// instructions that the kernels are built with (numbers, SIMD, threads, bulk memory) and stops at any other byte.
// The start function is left out: it sets up memory once, before any thread or growth.

const IMPORT = 2;
const START = 8;
const CODE = 10;

/** A reader of LEB128 numbers and sections. */
class Reader {
  /** @param {Uint8Array} bytes @param {number} [at] */
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new Error('[bulk-memory] the module ends inside an instruction');
    return value;
  }

  /** An unsigned number; signed ones are only skipped, and are as long. */
  number() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** @param {number} count */
  skip(count) {
    this.at += count;
  }

  /** @param {number} count */
  numbers(count) {
    for (let i = 0; i < count; i++) this.number();
  }

  memoryOperand() {
    this.numbers(2); // alignment, offset
  }
}

/**
 * @param {Uint8Array} wasm
 * @returns {string[]} for each use: the instruction and the number of the function in the code section
 */
export function bulkMemoryUses(wasm) {
  const sections = sectionsOf(wasm);
  const start = sections.has(START) ? new Reader(wasm, sections.get(START)).number() : -1;
  const imported = sections.has(IMPORT) ? importedFunctions(new Reader(wasm, sections.get(IMPORT))) : 0;
  const reader = new Reader(wasm, sections.get(CODE));
  /** @type {string[]} */
  const uses = [];
  for (let count = reader.number(), index = 0; index < count; index++) {
    const size = reader.number();
    const end = reader.at + size;
    for (let groups = reader.number(); groups > 0; groups--) reader.numbers(2); // locals: how many, which type
    while (reader.at < end) {
      const found = instruction(reader);
      if (found && index + imported !== start) uses.push(`${found} in function ${index}`);
    }
    if (reader.at !== end) throw new Error(`[bulk-memory] function ${index} was not decoded to its end`);
  }
  return uses;
}

/** @param {Uint8Array} wasm @returns {Map<number, number>} section to the address of its content */
function sectionsOf(wasm) {
  const sections = new Map();
  for (const reader = new Reader(wasm, 8); reader.at < wasm.length; ) {
    const id = reader.byte();
    const size = reader.number();
    sections.set(id, reader.at);
    reader.skip(size);
  }
  return sections;
}

/** @param {Reader} reader */
function importedFunctions(reader) {
  let functions = 0;
  for (let count = reader.number(); count > 0; count--) {
    for (let name = 0; name < 2; name++) reader.skip(reader.number());
    const kind = reader.byte();
    if (kind === 0) {
      functions++;
      reader.number();
    } else if (kind === 2) {
      reader.numbers((reader.byte() & 1) === 1 ? 2 : 1); // limits of a memory
    } else throw new Error(`[bulk-memory] cannot read an import of kind ${kind}`);
  }
  return functions;
}

/** Moves behind one instruction. @param {Reader} reader @returns {string | undefined} memory.copy or memory.fill */
function instruction(reader) {
  const code = reader.byte();
  if (code === 0xfc) return prefixed(reader, reader.number());
  if (code === 0xfd) simd(reader, reader.number());
  else if (code === 0xfe) {
    if (reader.number() === 3)
      reader.skip(1); // atomic.fence
    else reader.memoryOperand();
  } else if (code >= 0x02 && code <= 0x04)
    reader.number(); // block, loop, if: their type
  else if (code === 0x0c || code === 0x0d || code === 0x10)
    reader.number(); // br, br_if, call
  else if (code === 0x0e)
    reader.numbers(reader.number() + 1); // br_table
  else if (code === 0x11)
    reader.numbers(2); // call_indirect
  else if (code === 0x1c)
    reader.numbers(reader.number()); // select with types
  else if (code >= 0x20 && code <= 0x26)
    reader.number(); // local, global and table access
  else if (code >= 0x28 && code <= 0x3e) reader.memoryOperand();
  else if (code === 0x3f || code === 0x40)
    reader.skip(1); // memory.size, memory.grow
  else if (code === 0x41 || code === 0x42)
    reader.number(); // i32.const, i64.const
  else if (code === 0x43)
    reader.skip(4); // f32.const
  else if (code === 0x44)
    reader.skip(8); // f64.const
  else if (!isPlain(code)) throw new Error(`[bulk-memory] unknown instruction 0x${code.toString(16)}`);
  return undefined;
}

/** unreachable, nop, else, end, return, drop, select, and arithmetic. @param {number} code */
function isPlain(code) {
  return [0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b].includes(code) || (code >= 0x45 && code <= 0xc4);
}

/** @param {Reader} reader @param {number} code */
function prefixed(reader, code) {
  if (code === 8)
    reader.numbers(2); // memory.init
  else if (code === 9)
    reader.number(); // data.drop
  else if (code === 10) reader.numbers(2);
  else if (code === 11) reader.number();
  else if (code > 7) throw new Error(`[bulk-memory] unknown instruction 0xfc ${code}`);
  return code === 10 ? 'memory.copy' : code === 11 ? 'memory.fill' : undefined;
}

/** @param {Reader} reader @param {number} code */
function simd(reader, code) {
  if (code <= 11 || code === 92 || code === 93)
    reader.memoryOperand(); // loads and stores
  else if (code === 12 || code === 13)
    reader.skip(16); // v128.const, i8x16.shuffle
  else if (code >= 21 && code <= 34)
    reader.skip(1); // extract_lane, replace_lane
  else if (code >= 84 && code <= 91) {
    reader.memoryOperand();
    reader.skip(1); // load_lane, store_lane
  }
}
