// A metadata value from the header's bytes.
import { DTYPES, viewAs } from '../safetensors/dtype.ts';
import type { HeaderCursor } from './header-cursor.ts';
import {
  type GgufArray,
  type GgufBigType,
  type GgufNumberType,
  type GgufValue,
  type GgufValueType,
  MAX_ARRAY_DEPTH,
  VALUE_TYPES,
} from './values.ts';

/** Arrays that one array may hold, with those inside of them: each costs far more memory than it takes in a file. */
const MOST_ARRAYS = 65_536;

/** The type's number, then the value. @throws FormatError */
export function readValue(cursor: HeaderCursor): GgufValue {
  const type = readType(cursor);
  switch (type) {
    case 'bool': {
      const byte = cursor.bytes(1);
      requireBools(cursor, byte);
      return { type, value: byte[0] === 1 };
    }
    case 'string':
      return { type, value: cursor.string() };
    case 'array':
      return readArray(cursor, 1, { arrays: 0 });
    default:
      return readNumber(cursor, type);
  }
}

function readType(cursor: HeaderCursor): GgufValueType {
  const id = cursor.u32();
  const type = VALUE_TYPES[id];
  if (type !== undefined) return type;
  throw cursor.error('value', `a type of value from 0 to ${VALUE_TYPES.length - 1} is required, got ${id}`);
}

function readNumber(cursor: HeaderCursor, type: GgufNumberType | GgufBigType): GgufValue {
  // Copied, since a typed array wants alignment.
  const [value] = viewAs(type, cursor.bytes(DTYPES[type].bytes).slice());
  return { type, value } as GgufValue;
}

function requireBools(cursor: HeaderCursor, bytes: Uint8Array): void {
  const wrong = bytes.find((byte) => byte > 1);
  if (wrong !== undefined) throw cursor.error('value', `a truth value must be 0 or 1, got ${wrong}`);
}

function readArray(cursor: HeaderCursor, depth: number, total: { arrays: number }): GgufArray {
  const of = readType(cursor);
  const length = cursor.count('elements', leastBytes(of));
  switch (of) {
    case 'string':
      return { type: 'array', of, value: Array.from({ length }, () => cursor.string()) };
    case 'array': {
      total.arrays += length;
      if (depth >= MAX_ARRAY_DEPTH)
        throw cursor.error('too-deep', `at most ${MAX_ARRAY_DEPTH} levels of arrays can be read`);
      if (total.arrays > MOST_ARRAYS)
        throw cursor.error('value', `at most ${MOST_ARRAYS} arrays in an array can be read`);
      const value = Array.from({ length }, () => readArray(cursor, depth + 1, total));
      return { type: 'array', of, value };
    }
    default: {
      const value = viewAs(of, cursor.bytes(length * DTYPES[of].bytes).slice());
      if (of === 'bool') requireBools(cursor, value as Uint8Array);
      return { type: 'array', of, value } as GgufArray;
    }
  }
}

/** The fewest bytes that a value of this type takes. */
function leastBytes(type: GgufValueType): number {
  if (type === 'string') return 8;
  return type === 'array' ? 12 : DTYPES[type].bytes;
}
