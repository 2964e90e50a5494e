/** Named starting points of a run; every setting can be changed by a flag. */
export const PRESETS = {
  tiny: {
    summary:
      'a 1 M parameter ternary model with 60 % of its inputs left out: readable text after two minutes on two cores',
    settings: {},
  },
} as const satisfies Record<
  string,
  { readonly summary: string; readonly settings: Readonly<Record<string, number | string | boolean>> }
>;
