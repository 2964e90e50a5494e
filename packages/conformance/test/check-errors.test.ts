import { ShapeError } from '@qsparse/core';
import { referenceDevice } from '@qsparse/core/reference';
import { expect, test } from 'vitest';
import { checkErrors, checkRefusal } from '../src/check-errors.ts';
import { caseOf } from './sabotage.ts';

const scaling = caseOf('scaleOp', '[2, 5]');

test('uses that core refuses are counted', () => {
  expect(checkErrors(referenceDevice(), scaling)).toBeGreaterThan(2);
});

test('other words than those of core are found', () => {
  let calls = 0;
  const infer = () => {
    throw new ShapeError('scale', `call ${calls++}`);
  };
  const moody = { ...scaling, op: { ...scaling.op, infer } };
  expect(() => checkErrors(referenceDevice(), moody)).toThrow('must throw "ShapeError: [scale] call 0"');
});

test('a device that computes what it should refuse is found', () => {
  expect(() => checkRefusal(referenceDevice(), caseOf('scaleOp', 'bf16 [2, 5]'))).toThrow('DTypeError');
});
