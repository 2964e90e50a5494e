// Files that were valid once: bytes changed, cut out, doubled, or cut off.
import fc from 'fast-check';

export function mutatedBytes(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(Math.max(0, valid.length - 1));
  const change = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }),
    // Most of a file's meaning hangs on these.
    fc.record({
      kind: fc.constant('set' as const),
      at: place,
      byte: fc.constantFrom(...[...'0123456789-.,:{}[]"\\ eE'].map((c) => c.charCodeAt(0))),
    }),
    fc.record({ kind: fc.constant('cut' as const), at: place, byte: fc.nat(20) }),
    fc.record({ kind: fc.constant('double' as const), at: place, byte: fc.nat(20) }),
    fc.record({ kind: fc.constant('end' as const), at: place, byte: fc.constant(0) }),
  );
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let bytes = valid.slice();
    for (const { kind, at, byte } of changes) {
      if (kind === 'set' && at < bytes.length) bytes[at] = byte;
      if (kind === 'cut') bytes = concat(bytes.subarray(0, at), bytes.subarray(at + byte));
      if (kind === 'double') bytes = concat(bytes.subarray(0, at + byte), bytes.subarray(at));
      if (kind === 'end') bytes = bytes.slice(0, at);
    }
    return bytes;
  });
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
