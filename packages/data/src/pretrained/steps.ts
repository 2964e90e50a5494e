/** Pre-tokenizers of tokenizer.json: a text to the pieces that merges do not cross. */
import type { Metaspace, PreTokenizer, PreTokenizerStep, Split } from '@qsparse/formats';
import { preTokens } from '../tokenizer/pre-tokenize.ts';

/** Emits the pieces of a text in order; `first` says that the text is where the input begins. */
export type Divide = (text: string, first: boolean, emit: (piece: string) => void) => void;

/** A regular expression in Oniguruma's language to one of JavaScript's, with the flags `gu`. */
export type CompilePattern = (source: string) => RegExp;

/** The regular expressions that `createDivider` will ask for. */
export function patternsOf(preTokenizer: PreTokenizer | null): string[] {
  return stepsOf(preTokenizer).flatMap((step) =>
    step.type === 'Split' && 'Regex' in step.pattern ? [step.pattern.Regex] : [],
  );
}

export function createDivider(preTokenizer: PreTokenizer | null, compile: CompilePattern): Divide {
  const steps = stepsOf(preTokenizer).map((step) => createStep(step, compile));
  return steps.reduceRight<Divide>(
    (rest, step) => (text, first, emit) => {
      let begins = first;
      if (text === '') return;
      step(text, first, (piece) => {
        rest(piece, begins, emit);
        begins = false;
      });
    },
    (text, _first, emit) => {
      if (text !== '') emit(text);
    },
  );
}

function stepsOf(preTokenizer: PreTokenizer | null): readonly PreTokenizerStep[] {
  if (preTokenizer === null) return [];
  return preTokenizer.type === 'Sequence' ? preTokenizer.pretokenizers : [preTokenizer];
}

function createStep(step: PreTokenizerStep, compile: CompilePattern): Divide {
  switch (step.type) {
    case 'ByteLevel':
      return (text, _first, emit) => {
        const plain = step.add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text;
        if (!step.use_regex) emit(plain);
        else for (const words of preTokens(plain)) for (const word of words) emit(word);
      };
    case 'Split':
      return splitter(
        step,
        'Regex' in step.pattern ? compile(step.pattern.Regex) : literal(step.pattern.String),
      );
    case 'Digits':
      return splitter(
        { behavior: 'Isolated', invert: false },
        step.individual_digits ? /\p{N}/gu : /\p{N}+/gu,
      );
    case 'Metaspace':
      return metaspace(step);
  }
}

function metaspace({ replacement, prepend_scheme: scheme, split }: Metaspace): Divide {
  const divide = splitter({ behavior: 'MergedWithNext', invert: false }, literal(replacement));
  return (text, first, emit) => {
    const marked = text.replaceAll(' ', () => replacement);
    const prefix = scheme === 'always' || (scheme === 'first' && first);
    const whole = prefix && !marked.startsWith(replacement) ? replacement + marked : marked;
    if (split) divide(whole, first, emit);
    else emit(whole);
  };
}

function literal(text: string): RegExp {
  return new RegExp(text === '' ? '(?!)' : text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
}

/** Divides at the matches of a pattern (`invert`: at what lies between); `behavior` says where the matches go. */
function splitter({ behavior, invert }: Pick<Split, 'behavior' | 'invert'>, pattern: RegExp): Divide {
  return (text, _first, emit) => {
    const join = createJoiner(behavior, emit);
    let end = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const piece = match[0];
      if (piece === '') {
        // Goes on behind the next character, not in its middle.
        pattern.lastIndex += text.codePointAt(pattern.lastIndex)! > 0xffff ? 2 : 1;
        continue;
      }
      if (match.index > end) join.push(text.slice(end, match.index), invert);
      join.push(piece, !invert);
      end = pattern.lastIndex;
    }
    if (end < text.length) join.push(text.slice(end), invert);
    join.flush();
  };
}

interface Joiner {
  push(piece: string, isDelimiter: boolean): void;
  flush(): void;
}

function createJoiner(behavior: Split['behavior'], emit: (piece: string) => void): Joiner {
  let pending = '';
  let pendingIsDelimiter = false;
  const flush = (): void => {
    if (pending !== '') emit(pending);
    pending = '';
  };
  const joins = (isDelimiter: boolean): boolean => {
    if (behavior === 'Contiguous') return pendingIsDelimiter === isDelimiter;
    if (behavior === 'MergedWithPrevious') return isDelimiter && !pendingIsDelimiter;
    return behavior === 'MergedWithNext' && pendingIsDelimiter && !isDelimiter;
  };
  return {
    push(piece, isDelimiter) {
      if (behavior === 'Removed' && isDelimiter) return;
      if (pending === '' || !joins(isDelimiter)) flush();
      pending += piece;
      pendingIsDelimiter = isDelimiter;
    },
    flush,
  };
}
