/**
 * Finds a GPU: the object that is given, the page's, or Dawn's through the package `webgpu`. Asks the adapter for all it
 * has, since WebGPU gives the least otherwise.
 */
import { DeviceError } from '@qsparse/core';
import { MATRIX_FEATURE, type MatrixForm, matrixForms, matrixSide } from './matrices.ts';
import type { Variant } from './variant.ts';

export interface GpuOptions {
  /** The object to use instead of `navigator.gpu` or the package `webgpu`. */
  readonly gpu?: GPU | undefined;
  /** In Node: what `create` of the package `webgpu` is given, such as `adapter=llvmpipe`. */
  readonly flags?: readonly string[] | undefined;
  readonly powerPreference?: GPUPowerPreference | undefined;
  /** Takes a software adapter even where there is a GPU. */
  readonly forceFallbackAdapter?: boolean | undefined;
  /**
   * `subgroupMatrix`: the GPU's matrix units for large products, where Dawn offers them. Operands are rounded to f16
   * then. An experiment of Dawn's, which may change.
   */
  readonly experimental?: { readonly subgroupMatrix?: boolean | undefined } | undefined;
  /** Turns off what kernels could use, for tests. */
  readonly without?: readonly ('subgroups' | 'f16' | 'dot8' | 'timestamps')[] | undefined;
}

export interface OpenedGpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly variant: Variant;
  /** What the adapter multiplies in matrix units; undefined where that was not asked for. */
  readonly matrices: readonly MatrixForm[] | undefined;
  /** Kernels run on the CPU: SwiftShader, lavapipe, WARP. */
  readonly software: boolean;
  /** Reached through Dawn in Node. */
  readonly inNode: boolean;
}

/** What kernels and tensors profit from; everything else stays at WebGPU's defaults. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render|warp/i;
/** Whoever drops the last reference to Dawn's instance while work is pending ends the process. */
const PINNED = Symbol.for('qsparse.backend-webgpu.instances');
const GIVEN = Symbol.for('qsparse.backend-webgpu.given');
/** Times of kernels are rounded to 0.1 ms otherwise, which is for pages. */
const NODE_FLAGS = ['disable-dawn-features=timestamp_quantization'];
/** f16, which matrix units take, is off on NVIDIA's Vulkan driver otherwise. */
const MATRIX_FLAGS = ['enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia'];

interface DawnModule {
  create(flags: readonly string[]): GPU;
}

/** Throws DeviceError with what is missing and what to enable. */
export async function openGpu(options: GpuOptions): Promise<OpenedGpu> {
  const page = (globalThis.navigator as Navigator | undefined)?.gpu;
  const inNode = !options.gpu && !page;
  const wantsMatrices = options.experimental?.subgroupMatrix === true;
  const flags = [...(options.flags ?? NODE_FLAGS), ...(wantsMatrices ? MATRIX_FLAGS : [])];
  const gpu = options.gpu ?? page ?? (await openDawn(flags));
  if (options.gpu) pin<Set<GPU>>(GIVEN, () => new Set()).add(options.gpu);
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? 'high-performance',
    ...(options.forceFallbackAdapter && { forceFallbackAdapter: true }),
  });
  if (!adapter) throw new DeviceError('webgpu', ...noAdapter(inNode));
  const without = new Set(options.without);
  const wanted: GPUFeatureName[] = (['subgroups', 'shader-f16', 'timestamp-query'] as const).filter(
    (feature) => adapter.features.has(feature) && !without.has(OPTION_OF[feature]),
  );
  if (wantsMatrices && adapter.features.has(MATRIX_FEATURE)) wanted.push(MATRIX_FEATURE as GPUFeatureName);
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({
      label: 'qsparse',
      requiredFeatures: wanted,
      requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DeviceError(
      'webgpu',
      `the adapter gives no device (${why})`,
      'close other pages that use the GPU',
    );
  }
  const { info } = adapter;
  const subgroups = device.features.has('subgroups');
  const matrices = wantsMatrices ? matrixForms(device, info) : undefined;
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup } = device.limits;
  return {
    device,
    info,
    inNode,
    matrices,
    software:
      (info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true ||
      SOFTWARE.test(`${info.architecture} ${info.device} ${info.description}`),
    variant: {
      subgroups,
      subgroupMin: subgroups ? info.subgroupMinSize : 1,
      subgroupMax: subgroups ? info.subgroupMaxSize : 1,
      f16: device.features.has('shader-f16'),
      dot8: gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product') && !without.has('dot8'),
      timestamps: device.features.has('timestamp-query'),
      matrixSide: matrixSide(matrices, device, info),
      workgroupBytes: maxComputeWorkgroupStorageSize,
      workgroupThreads: Math.min(maxComputeInvocationsPerWorkgroup, device.limits.maxComputeWorkgroupSizeX),
    },
  };
}

const OPTION_OF = { subgroups: 'subgroups', 'shader-f16': 'f16', 'timestamp-query': 'timestamps' } as const;

async function openDawn(flags: readonly string[]): Promise<GPU> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (!process?.versions?.node) throw new DeviceError('webgpu', ...noWebGpu());
  // Not a literal: bundlers for the browser must not look for an optional package.
  const name: string = 'webgpu';
  let dawn: DawnModule;
  try {
    dawn = (await import(/* @vite-ignore */ name)) as DawnModule;
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new DeviceError('webgpu', `the package webgpu cannot be loaded (${why})`, 'npm install webgpu');
  }
  const instances = pin<Map<string, GPU>>(PINNED, () => new Map());
  const key = flags.join(' ');
  const instance = instances.get(key) ?? dawn.create(flags);
  instances.set(key, instance);
  return instance;
}

/** One for the whole process, however often this module is loaded. */
function pin<T>(key: symbol, make: () => T): T {
  const holder = globalThis as unknown as Record<symbol, T | undefined>;
  holder[key] ??= make();
  return holder[key];
}

/** Why a page has no `navigator.gpu`, and what to do. */
function noWebGpu(): [what: string, hint: string] {
  if (globalThis.isSecureContext === false)
    return ['a page has WebGPU only in a secure context', 'serve it over https or from localhost'];
  const agent = (globalThis.navigator as Navigator | undefined)?.userAgent ?? '';
  const hint = /Firefox/.test(agent)
    ? 'use Firefox 141 or newer, or set dom.webgpu.enabled in about:config'
    : /Chrome|Chromium|Edg/.test(agent)
      ? 'use version 113 or newer; on Linux start it with --enable-unsafe-webgpu --enable-features=Vulkan'
      : /Safari/.test(agent)
        ? 'use Safari 26 or newer'
        : 'use a current Chrome, Edge, Firefox or Safari';
  return ['this browser has no WebGPU', hint];
}

function noAdapter(inNode: boolean): [what: string, hint: string] {
  if (inNode)
    return [
      'there is no GPU that Dawn can use',
      'install a Vulkan loader (libvulkan1) and the driver of the GPU; VK_ICD_FILENAMES names a driver, such as a software one',
    ];
  const agent = (globalThis.navigator as Navigator | undefined)?.userAgent ?? '';
  const hint = /Firefox/.test(agent)
    ? 'see "Graphics" in about:support; gfx.webgpu.ignore-blocklist in about:config allows more drivers'
    : /Chrome|Chromium|Edg/.test(agent)
      ? 'see chrome://gpu; switch graphics acceleration on, or start it with --enable-unsafe-webgpu'
      : 'update the system and the driver of the GPU';
  return ['WebGPU is there and gives no adapter', hint];
}
