/** Normalizers of tokenizer.json: text to text, before anything is divided. */
import type { Normalizer, NormalizerStep } from '@qsparse/formats';

export type Normalize = (text: string) => string;

/** Undefined where nothing is changed. */
export function createNormalizer(normalizer: Normalizer | null): Normalize | undefined {
  if (normalizer === null) return undefined;
  const steps = (normalizer.type === 'Sequence' ? normalizer.normalizers : [normalizer]).map(createStep);
  return (text) => steps.reduce((changed, step) => step(changed), text);
}

function createStep(step: NormalizerStep): Normalize {
  switch (step.type) {
    case 'Prepend':
      return (text) => (text === '' ? '' : step.prepend + text);
    case 'Replace':
      return (text) => text.replaceAll(step.pattern.String, () => step.content);
    default:
      return (text) => text.normalize(step.type);
  }
}
