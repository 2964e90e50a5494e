/**
 * Every failure this library raises on purpose. A message is one line: `[where] what is required, what came;
 * what to do`. `code` is stable and made for programs; `hint` is the last part of the message.
 */
export type ErrorCode =
  | 'shape'
  | 'dtype'
  | 'value'
  | 'device'
  | 'no-kernel'
  | 'out-of-memory'
  | 'disposed'
  | 'capture'
  | 'tape'
  | 'non-finite';

export class QSparseError extends Error {
  readonly code: ErrorCode;
  readonly where: string;
  readonly hint: string;

  constructor(code: ErrorCode, where: string, what: string, hint: string) {
    super(`[${where}] ${what}${hint ? `; ${hint}` : ''}`);
    this.name = new.target.name;
    this.code = code;
    this.where = where;
    this.hint = hint;
  }
}

/** Shapes that do not fit together. */
export class ShapeError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('shape', where, what, hint);
  }
}

/** A dtype that the op or the device does not take. */
export class DTypeError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('dtype', where, what, hint);
  }
}

/** An attribute or option outside its range. */
export class ValueError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('value', where, what, hint);
  }
}

/** An unknown, unavailable or mixed device. */
export class DeviceError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('device', where, what, hint);
  }
}

/** A primitive op that the device does not implement. */
export class NoKernelError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('no-kernel', where, what, hint);
  }
}

/** The device has no room left; `what` says how much is in use and how much was asked for. */
export class OutOfMemoryError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('out-of-memory', where, what, hint);
  }
}

/** Use of a tensor, program or device after it was disposed. */
export class DisposedError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('disposed', where, what, hint);
  }
}

/** A captured body that cannot be replayed: a read, a new shape, a number that moved. */
export class CaptureError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('capture', where, what, hint);
  }
}

/** A gradient that cannot be computed. */
export class TapeError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('tape', where, what, hint);
  }
}

/** A NaN or an infinity where the method forbids one. */
export class NonFiniteError extends QSparseError {
  constructor(where: string, what: string, hint = '') {
    super('non-finite', where, what, hint);
  }
}
