// How values from untrusted files appear in error messages: short, on one line, nothing that steers a terminal.

const LONGEST = 60;

// Control characters that JSON leaves alone, line separators, and marks that reverse the reading direction.
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value as it should stand in a message: JSON, cut to about 60 characters. Large values are never walked whole. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const cut = value.length > LONGEST;
    const text = escapeUnsafe(JSON.stringify(cut ? value.slice(0, LONGEST) : value));
    return cut ? `${text.slice(0, -1)}…"` : text;
  }
  if (Array.isArray(value)) {
    const parts: string[] = [];
    let length = 0;
    for (const item of value) {
      if (length > LONGEST) {
        parts.push('…');
        break;
      }
      const part = Array.isArray(item) ? 'an array' : show(item);
      parts.push(part);
      length += part.length + 2;
    }
    return `[${parts.join(', ')}]`;
  }
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') {
    return Object.is(value, -0) ? '-0' : String(value);
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A file or address in a message: unquoted where it is plain, otherwise as `show` has it. */
export function showName(name: string): string {
  return /^[\w./\\:@+~, ()-]{1,300}$/.test(name) ? name : show(name);
}
