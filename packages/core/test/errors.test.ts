import {
  CaptureError,
  DeviceError,
  DisposedError,
  DTypeError,
  NoKernelError,
  NonFiniteError,
  OutOfMemoryError,
  QSparseError,
  ShapeError,
  TapeError,
  ValueError,
} from '@qsparse/core';
import { expect, test } from 'vitest';

test.each([
  [ShapeError, 'shape', 'ShapeError'],
  [DTypeError, 'dtype', 'DTypeError'],
  [ValueError, 'value', 'ValueError'],
  [DeviceError, 'device', 'DeviceError'],
  [NoKernelError, 'no-kernel', 'NoKernelError'],
  [OutOfMemoryError, 'out-of-memory', 'OutOfMemoryError'],
  [DisposedError, 'disposed', 'DisposedError'],
  [CaptureError, 'capture', 'CaptureError'],
  [TapeError, 'tape', 'TapeError'],
  [NonFiniteError, 'non-finite', 'NonFiniteError'],
] as const)('%o: one line with where, what and what to do', (Kind, code, name) => {
  const error = new Kind('op', 'x must be y', 'do z');
  expect(error).toBeInstanceOf(QSparseError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ code, name, where: 'op', hint: 'do z', message: '[op] x must be y; do z' });
  expect(new Kind('op', 'x must be y').message).toBe('[op] x must be y');
});
