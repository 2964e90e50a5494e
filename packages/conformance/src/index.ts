/** One suite of generated cases that every device must pass. */
export { conformance } from './conformance.ts';
export type { AnyCase, Values } from './op-case.ts';
export { type OpCases, opCases } from './op-table.ts';
export { FLUSHED_SUBNORMALS } from './subnormals.ts';
export type { ConformanceOptions, Skip } from './suite.ts';
export type { Tolerance } from './tolerance.ts';
