/** Named starting points of a run; every setting can be changed by a flag. */
import type { SomeSettings } from './settings.ts';

interface Preset {
  readonly summary: string;
  /** What differs from the defaults of the settings. */
  readonly settings: SomeSettings;
}

/** Where nobody names another one. */
export const DEFAULT_PRESET = 'tiny';

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
} as const satisfies Readonly<Record<string, Preset>>;
