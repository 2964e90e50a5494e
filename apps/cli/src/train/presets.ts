/** Named starting points of a run; every setting can be changed by a flag. */
import type { SomeSettings } from './settings.ts';

interface Preset {
  readonly summary: string;
  /** What differs from the defaults of the settings. */
  readonly settings: SomeSettings;
}

/** Where nobody names another one. */
export const DEFAULT_PRESET = 'tiny';
/** The same for a run that starts from a model, by its task. */
export const INIT_PRESETS = { text: 'continue', sft: 'sft', dpo: 'dpo' } as const;

export const PRESETS = {
  tiny: {
    summary:
      'a 1 M parameter ternary model with 60 % of its inputs left out: readable text after two minutes on two cores',
    settings: {
      context: 128,
      vocabulary: 2048,
      batch: 4,
      steps: 2000,
      'learning-rate': 4e-3,
      warmup: 50,
      'validate-every': 500,
      'save-every': 500,
      'sample-every': 400,
    },
  },
  continue: {
    summary:
      'goes on with a dense model as a sparse one: half of the inputs left out, the schedule of Q-Sparse',
    settings: {
      sparsity: 0.5,
      steps: 1000,
      schedule: 'linear',
      'learning-rate': 5e-4,
      'final-share': 0.02,
      warmup: 40,
      'weight-decay': 0.01,
      clip: 2,
    },
  },
  sft: {
    summary: 'teaches a model by examples: prompt and completion, Alpaca or chat messages',
    settings: {
      task: 'sft',
      epochs: 3,
      'learning-rate': 2e-4,
      'final-share': 0,
      warmup: 10,
      'weight-decay': 0,
      'sample-prompt': 'What is the capital of France?',
    },
  },
  dpo: {
    summary: 'teaches a model which of two answers is preferred',
    settings: {
      task: 'dpo',
      epochs: 1,
      batch: 4,
      'learning-rate': 2e-5,
      'final-share': 0,
      warmup: 10,
      'weight-decay': 0,
      'sample-prompt': 'What is the capital of France?',
    },
  },
} as const satisfies Readonly<Record<string, Preset>>;
