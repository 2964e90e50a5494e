/** What `doctor` shows of a GPU. */
import { showBytes } from './errors.ts';
import type { OpenedGpu } from './gpu.ts';
import { describeForms } from './matrices.ts';

/** Such as "SwiftShader driver 5.0.0 (google swiftshader, software)". */
export function describeAdapter({ info, software }: OpenedGpu): string {
  const { description, device, vendor, architecture } = info;
  const name = description || device || 'GPU';
  const kind = [vendor, architecture].filter((text) => text !== '').join(' ');
  const notes = [kind, ...(software ? ['software'] : [])].filter((text) => text !== '');
  return notes.length > 0 ? `${name} (${notes.join(', ')})` : name;
}

export function reportLines(opened: OpenedGpu, pipelines: number, maxBinding: number): readonly string[] {
  const { device, variant, software, matrices } = opened;
  const { subgroupMin, subgroupMax } = variant;
  const sizes = subgroupMin === subgroupMax ? `${subgroupMin}` : `${subgroupMin} to ${subgroupMax}`;
  const uses = [
    variant.subgroups ? `subgroups of ${sizes}` : 'no subgroups',
    variant.f16 ? 'f16' : 'no f16',
    variant.dot8 ? 'packed 8-bit dot products' : 'no packed 8-bit dot products',
    variant.timestamps ? 'timestamps' : 'no timestamps',
  ];
  return [
    `adapter ${describeAdapter(opened)}`,
    `features: ${uses.join(', ')}`,
    `limits: buffers of ${showBytes(device.limits.maxBufferSize)}, bindings of ${showBytes(maxBinding)}, workgroups of ${variant.workgroupThreads} with ${showBytes(variant.workgroupBytes)}`,
    ...(matrices ? [`subgroup matrices: ${describeForms(matrices)}`] : []),
    ...(software ? ['a software adapter: for tests, slower than the CPU device'] : []),
    `pipelines compiled so far: ${pipelines}`,
  ];
}
