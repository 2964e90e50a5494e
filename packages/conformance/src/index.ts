/** One suite of generated cases that every device must pass. */
export { conformance } from './conformance.ts';
export type { ConformanceOptions, Skip } from './suite.ts';
export type { Tolerance } from './tolerance.ts';
