/**
 * Software drivers for machines without a GPU: lavapipe where scripts/software-gpu.mjs has put one, SwiftShader where
 * Chromium is installed. QSPARSE_WEBGPU_DRIVER=gpu tests the machine's own GPU instead.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type WebGpuDevice, type WebGpuOptions, webgpuDevice } from '@qsparse/backend-webgpu';

const LAVAPIPE = fileURLToPath(new URL('../.software-gpu/lavapipe.json', import.meta.url));
const SWIFTSHADER = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

const wanted = process.env.QSPARSE_WEBGPU_DRIVER;

function findDriver(): string | undefined {
  const lavapipe = existsSync(LAVAPIPE) && wanted !== 'swiftshader' ? LAVAPIPE : undefined;
  return lavapipe ?? (wanted === 'lavapipe' ? undefined : SWIFTSHADER.find((path) => existsSync(path)));
}

/** What the tests run on, for people. */
export let driver = 'the GPU of this machine';

if (wanted !== 'gpu') {
  const path = findDriver();
  driver = path === LAVAPIPE ? 'lavapipe' : 'SwiftShader';
  // Dawn reads it when it first looks for adapters.
  if (path) process.env.VK_ICD_FILENAMES = path;
  // Its cache is not keyed by the width: a kernel of another one gives wrong results.
  const width = process.env.LP_NATIVE_VECTOR_WIDTH ?? 'default';
  process.env.MESA_SHADER_CACHE_DIR = fileURLToPath(
    new URL(`../.software-gpu/cache-${width}`, import.meta.url),
  );
  // Kernels run once or twice here: what compiles them matters more than how fast they are.
  process.env.GALLIVM_PERF ??= 'nopt';
  // lavapipe says otherwise what it does not find, on stderr.
  process.env.NODEVICE_SELECT = '1';
}

/** Whether the tests run on what is published, whose kernels are those of the sources. */
export const isDist: boolean = process.env.QSPARSE_TARGET === 'dist';

/** Whether the driver takes subnormal numbers for 0. */
export let flushesSubnormals = false;

/** Why there is no device here; undefined where there is one. */
export const missing: string | undefined = await webgpuDevice().then(
  async (device) => {
    flushesSubnormals = await device.flushesSubnormals();
    device.dispose();
    return undefined;
  },
  (error: Error) => error.message,
);

export async function openDevice(options: WebGpuOptions = {}): Promise<WebGpuDevice> {
  return webgpuDevice(options);
}
