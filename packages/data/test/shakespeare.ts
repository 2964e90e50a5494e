/** The fixture's text. */
import { readFileSync } from 'node:fs';

export const shakespeare: string = readFileSync(new URL('fixtures/shakespeare.txt', import.meta.url), 'utf8');
