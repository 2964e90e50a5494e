/** The scaling law of sparsely-activated language models. Plain numbers; imports nothing. */
export { type BootstrapOptions, bootstrapFit, type Interval, type Intervals } from './bootstrap.ts';
export { ScalingError, type ScalingErrorCode } from './errors.ts';
export { DEFAULT_DELTA, DEFAULT_UNIT, type Fit, type FitOptions, fitLaw } from './fit.ts';
export {
  CONSTANTS,
  type ConstantName,
  type Constants,
  inUnit,
  lossAt,
  lossAtActive,
  type ScalingLaw,
  sparsityFactor,
} from './law.ts';
export { type MinimizeOptions, type Minimum, minimize, type Objective } from './lbfgs.ts';
export { activeCurve, type CurvePoint, flatRange, type Optimum, optimalSparsity } from './optimum.ts';
export type { ScalingPoint } from './points.ts';
export { PRESETS, type Preset, type PresetName } from './presets.ts';
