/** Jinja templates by @huggingface/jinja: this is the one file that loads it. */
import { Template } from '@huggingface/jinja';

/** Text of a template with these variables. */
export type RenderTemplate = (variables: Readonly<Record<string, unknown>>) => string;

/** As long a range as Jinja's own sandbox allows. */
const LONGEST_RANGE = 100_000;

/** Throws what the library throws: a syntax error here, `raise_exception` of the template when it is rendered. */
export function compileTemplate(source: string): RenderTemplate {
  const template = new Template(source);
  replaceCalls(template.parsed);
  return (variables) => template.render({ ...variables, ...FUNCTIONS });
}

/**
 * In place of the library's own, whose `strip('\n')` takes off all white space whatever its argument says, and with it
 * the indentation of an answer that begins with code, and whose `range` fills any memory. No variable of a template can
 * have such a name.
 */
const FUNCTIONS: Readonly<Record<string, (...values: never[]) => unknown>> = {
  'strip of': (text: unknown, characters: unknown) => strip(text, characters, true, true),
  'lstrip of': (text: unknown, characters: unknown) => strip(text, characters, true, false),
  'rstrip of': (text: unknown, characters: unknown) => strip(text, characters, false, true),
  'range of': range,
};

/** Turns `text.strip(characters)` and `range(…)` into calls of FUNCTIONS. */
function replaceCalls(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) replaceCalls(child);
  const call = node as { type?: unknown; callee?: Record<string, unknown>; args?: unknown[] };
  if (call.type !== 'CallExpression' || !call.callee || !call.args) return;
  const { type, computed, property, object, value } = call.callee;
  const isMethod = type === 'MemberExpression' && !computed && call.args.length === 1;
  const method = (property as { value?: unknown } | undefined)?.value;
  if (isMethod && Object.hasOwn(FUNCTIONS, `${method} of`)) {
    call.callee = { type: 'Identifier', value: `${method} of` };
    call.args = [object, ...call.args];
  } else if (type === 'Identifier' && value === 'range') call.callee = { type, value: 'range of' };
}

function strip(text: unknown, characters: unknown, left: boolean, right: boolean): string {
  if (typeof text !== 'string') throw new TypeError('strip() is for text');
  const points = [...text];
  const strips = (point: string | undefined): boolean =>
    point !== undefined &&
    (typeof characters === 'string' ? characters.includes(point) : point.trim() === '');
  let [start, end] = [0, points.length];
  while (left && start < end && strips(points[start])) start++;
  while (right && end > start && strips(points[end - 1])) end--;
  return points.slice(start, end).join('');
}

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.ceil((stop - start) / step);
  if (!(length <= LONGEST_RANGE)) throw new RangeError(`a range may have ${LONGEST_RANGE} items`);
  return Array.from({ length: Math.max(length, 0) }, (_, index) => start + index * step);
}
