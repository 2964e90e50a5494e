/**
 * Refuses regular expressions that a short text could keep busy for ever: they come from files of strangers, and nothing
 * stops a match once it runs. A check of the pattern's own text, so that it may refuse a harmless one; the patterns of
 * known models are far from its limits.
 */

/** Along any way through the pattern; models have 4 and 2. */
const MOST_QUANTIFIERS = 8;
const MOST_ENDLESS = 3;

const ESCAPE = /\\(?:[pPx]\{[^}]*\}|[\s\S])/y;
const OPEN = /\(\?(?:<?[=!]|[a-z-]*:|>|<\w+>)|\(/y;
const QUANTIFIER = /[*+?]|\{(?=\d|,\d)(\d*)(,?)(\d*)\}/y;

/** Why a pattern is refused, undefined for a harmless one. */
export function costlyPart(source: string): string | undefined {
  const open: Group[] = [new Group()];
  // What a quantifier would repeat here: a group that varies, something else, or nothing.
  let atom: 'varying' | 'plain' | undefined;
  for (let at = 0; at < source.length; ) {
    const escaped = match(ESCAPE, source, at);
    const prefix = match(OPEN, source, at);
    const quantifier = match(QUANTIFIER, source, at);
    const group = open.at(-1)!;
    if (escaped) {
      if (/^\\[1-9kg]/.test(escaped[0])) return 'refers back to what it matched';
      atom = 'plain';
    } else if (prefix) {
      open.push(new Group());
      atom = undefined;
    } else if (source[at] === ')' && open.length > 1) {
      atom = group.varies ? 'varying' : 'plain';
      open.pop();
      open.at(-1)!.add(group);
    } else if (source[at] === '|') {
      group.nextBranch();
      atom = undefined;
    } else if (quantifier && atom) {
      const most = mostTimes(quantifier);
      if (most > 1 && atom === 'varying') return 'repeats a group whose parts vary';
      group.count(most === Infinity ? 1 : 0);
      // What follows makes it lazy or possessive.
      atom = undefined;
    } else if (quantifier && source[at - 1] === '}' && mostTimes(quantifier) > 1) {
      // Behind braces Oniguruma repeats once more: harmless where nothing follows that could fail.
      const next = source[at + quantifier[0].length];
      if (next !== undefined && next !== '|') return 'repeats a repetition';
    } else if (!quantifier) atom = 'plain';
    if (open.some(({ quantifiers }) => quantifiers > MOST_QUANTIFIERS))
      return `has more than ${MOST_QUANTIFIERS} quantifiers in a row`;
    if (open.some(({ endless }) => endless > MOST_ENDLESS))
      return `has more than ${MOST_ENDLESS} repetitions without end in a row`;
    const token = escaped ?? prefix ?? quantifier;
    at = source[at] === '[' ? classEnd(source, at) : at + (token ? token[0].length : 1);
  }
  return undefined;
}

/** A group, or the pattern itself, as far as it was read. */
class Group {
  /** Whether it can match in more than one way: it holds a quantifier or a choice. */
  varies = false;
  /** In this branch, with the most that a branch of an inner group has. */
  quantifiers = 0;
  endless = 0;
  #most = { quantifiers: 0, endless: 0 };

  count(endless: number): void {
    this.varies = true;
    this.quantifiers += 1;
    this.endless += endless;
  }

  nextBranch(): void {
    this.varies = true;
    this.#most = this.#worst();
    [this.quantifiers, this.endless] = [0, 0];
  }

  add(inner: Group): void {
    const { quantifiers, endless } = inner.#worst();
    this.varies ||= inner.varies;
    this.quantifiers += quantifiers;
    this.endless += endless;
  }

  #worst(): { quantifiers: number; endless: number } {
    return {
      quantifiers: Math.max(this.quantifiers, this.#most.quantifiers),
      endless: Math.max(this.endless, this.#most.endless),
    };
  }
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}

function mostTimes([text, least, comma, most]: RegExpExecArray): number {
  if (text === '?') return 1;
  if (text === '*' || text === '+' || (comma && !most)) return Infinity;
  return Number(most || least);
}

/** Behind the class that begins at `start`; classes may hold classes. */
function classEnd(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '[') {
      depth++;
      // A bracket right at the start is a letter of the class.
      const letter = source[at + 1] === '^' ? at + 2 : at + 1;
      if (source[letter] === ']') at = letter;
    } else if (source[at] === ']' && --depth === 0) return at + 1;
  }
  return source.length;
}
