/**
 * Subgroup matrices, an experiment of Dawn's: products of small matrices in the units that GPUs have for them. What an
 * adapter offers differs by maker and driver.
 */

/** A name that WebGPU does not know yet. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';

/** [m, k] times [k, n], of one type into another. */
export interface MatrixForm {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

interface MatrixInfo {
  readonly subgroupMatrixConfigs?: Iterable<MatrixForm> | undefined;
}

/** Forms that the device takes; none where it lacks the feature. */
export function matrixForms(device: GPUDevice, info: GPUAdapterInfo): readonly MatrixForm[] {
  if (!device.features.has(MATRIX_FEATURE)) return [];
  return [...((info as MatrixInfo).subgroupMatrixConfigs ?? [])].map(
    // Dawn's are objects of its own with getters.
    ({ M, N, K, componentType, resultComponentType }) => ({ M, N, K, componentType, resultComponentType }),
  );
}

/**
 * The side of the square matrices of f16 with sums in f32 that our kernel takes, the largest; undefined where there is
 * none, or where four subgroups are no workgroup.
 */
export function matrixSide(
  forms: readonly MatrixForm[] | undefined,
  device: GPUDevice,
  { subgroupMinSize, subgroupMaxSize }: GPUAdapterInfo,
): 8 | 16 | undefined {
  if (!device.features.has('shader-f16') || !device.features.has('subgroups')) return undefined;
  const isOne = subgroupMinSize === subgroupMaxSize;
  if (!isOne || 4 * subgroupMaxSize > device.limits.maxComputeInvocationsPerWorkgroup) return undefined;
  return ([16, 8] as const).find((side) =>
    forms?.some(
      ({ M, N, K, componentType, resultComponentType }) =>
        componentType === 'f16' && resultComponentType === 'f32' && [M, N, K].every((size) => size === side),
    ),
  );
}

/** Such as "f16 to f32 of 16 x 16 x 16". */
export function describeForms(forms: readonly MatrixForm[]): string {
  const texts = forms.map(
    ({ M, N, K, componentType, resultComponentType }) =>
      `${componentType} to ${resultComponentType} of ${M} x ${N} x ${K}`,
  );
  return texts.length > 0 ? texts.join(', ') : 'the adapter offers none';
}
