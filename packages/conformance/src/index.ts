/** One suite of generated cases that every device must pass. */
export { type ConformanceOptions, conformance, type Skip } from './conformance.ts';
export type { Tolerance } from './tolerance.ts';
