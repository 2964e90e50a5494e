/**
 * Kernels by name, loaded when first used: the package's fatbin where it fits the sources and the driver takes it, else
 * NVRTC's code from the on-disk cache, else compiled now. What was used is kept for `doctor`.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceError } from '@qsparse/core';
import { type Driver, showVersion } from '../driver/driver.ts';
import { CudaError } from '../driver/errors.ts';
import { type KernelName, kernelLayouts } from '../generated/kernel-arguments.ts';
import { type Nvrtc, openNvrtc } from './nvrtc.ts';
import { FATBINS, hashOf, sourceOf } from './source.ts';

export type Origin = 'fatbin' | 'cache' | 'nvrtc' | 'emulated';

export interface Modules {
  /** The driver's handle of a kernel. Throws CudaError or DeviceError where it cannot be loaded. */
  kernel(name: KernelName): number;
  /** Lets a kernel use this much dynamic shared memory; without asking it has what its own leaves of 48 KiB. */
  allowShared(name: KernelName, bytes: number): void;
  /**
   * Compiles what has neither shipped nor cached code, several kernels at a time, so that first uses need not wait one by
   * one. What fails here is told by its first use.
   */
  prepare(onProgress?: (done: number, count: number) => void): Promise<void>;
  /** Where each loaded module came from. */
  readonly origins: ReadonlyMap<string, Origin>;
  dispose(): void;
}

export interface ModuleOptions {
  readonly driver: Driver;
  /** 10 · major + minor. */
  readonly capability: number;
  /** Where compiled kernels are kept; '' keeps none. */
  readonly cacheFolder: string;
  readonly nvrtcPath?: string | undefined;
  /** False compiles with NVRTC even where a fatbin fits. */
  readonly fatbins: boolean;
  /** Where the fatbins and their manifest are. Default: dist/fatbins of this package. */
  readonly fatbinFolder?: string | undefined;
}

/** CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
const MAX_DYNAMIC_SHARED = 8;
/** Every .cu file that has kernels. */
const MODULES: readonly string[] = [...new Set(Object.values(kernelLayouts).map(({ module }) => module))];
/** No code for this GPU, PTX too new, wrong image, unsupported toolchain: another origin may do. */
const OTHER_IMAGE = new Set([200, 209, 218, 222, 223]);

export function createModules(options: ModuleOptions): Modules {
  const { driver, fatbinFolder = FATBINS } = options;
  const origins = new Map<string, Origin>();
  const handles = new Map<string, number>();
  const kernels = new Map<KernelName, number>();
  const shared = new Map<KernelName, number>();
  let nvrtc: Nvrtc | string | undefined;

  /** Code that `prepare` made and nobody has used yet. */
  const compiledBeside = new Map<string, Uint8Array>();

  const cacheFile = (name: string, source: string, { version }: Nvrtc): string => {
    const key = hashOf(source, version, String(options.capability));
    return options.cacheFolder && join(options.cacheFolder, `${name}-${key}.cubin`);
  };
  const load = (image: Uint8Array): number => driver.make('cuModuleLoadData', image);
  const compiled = (name: string, fatbinFailure: string): number => {
    nvrtc ??= openNvrtc(options.nvrtcPath);
    if (typeof nvrtc === 'string') {
      throw new DeviceError(
        'cuda',
        `kernel ${name} has no machine code for this GPU and driver (${fatbinFailure}), and NVRTC, which would compile it, is missing: ${nvrtc}`,
        `update the NVIDIA driver (this one knows CUDA ${showVersion(driver.version)}), or install the CUDA toolkit or: pip install nvidia-cuda-nvrtc`,
      );
    }
    const source = sourceOf(name);
    const file = cacheFile(name, source, nvrtc);
    const prepared = compiledBeside.get(name);
    if (!prepared && file && existsSync(file)) {
      try {
        const code = unsealed(readFileSync(file));
        if (code) {
          const handle = load(code);
          origins.set(name, 'cache');
          return handle;
        }
      } catch {
        // Not readable or not for this driver: compile again and replace it.
      }
    }
    const code = prepared ?? nvrtc.compile(name, source, options.capability);
    const handle = load(code);
    compiledBeside.delete(name);
    origins.set(name, 'nvrtc');
    if (file && !prepared) keep(file, code);
    return handle;
  };
  const moduleOf = (name: string): number => {
    const loaded = handles.get(name);
    if (loaded !== undefined) return loaded;
    const handle = driver.emulated ? emulated(name) : (packaged(name) ?? compiled(name, failure));
    handles.set(name, handle);
    return handle;
  };
  const emulated = (name: string): number => {
    origins.set(name, 'emulated');
    return load(new TextEncoder().encode(`EMULATED:${name}\0`));
  };
  let failure = 'none was built';
  let manifest: Readonly<Record<string, string>> | undefined;
  /** By module, since to know it its sources are read. */
  const current = new Map<string, boolean>();
  /** Whether the fatbin was built from the sources that are there. */
  const isCurrent = (name: string): boolean => {
    const known = current.get(name) ?? fitsSources(name);
    current.set(name, known);
    return known;
  };
  const fitsSources = (name: string): boolean => {
    try {
      manifest ??= JSON.parse(readFileSync(join(fatbinFolder, 'manifest.json'), 'utf8')) as Record<
        string,
        string
      >;
      return manifest[name] === hashOf(sourceOf(name));
    } catch {
      return false;
    }
  };
  const packaged = (name: string): number | undefined => {
    const file = join(fatbinFolder, `${name}.fatbin`);
    if (!options.fatbins || !existsSync(file) || !isCurrent(name)) return undefined;
    try {
      const handle = load(readFileSync(file));
      origins.set(name, 'fatbin');
      return handle;
    } catch (error) {
      if (!(error instanceof CudaError && OTHER_IMAGE.has(error.status))) throw error;
      failure = error.message;
      return undefined;
    }
  };

  /** Loads the first shipped image, to learn whether this driver takes them. */
  const takesPackaged = (): boolean => {
    const name = MODULES.find((module) => existsSync(join(fatbinFolder, `${module}.fatbin`)));
    if (name === undefined) return false;
    try {
      const handle = handles.get(name) ?? packaged(name);
      if (handle !== undefined) handles.set(name, handle);
      return handle !== undefined;
    } catch {
      // Nothing that a compiler helps with; the first use tells it.
      return true;
    }
  };

  return {
    origins,
    async prepare(onProgress) {
      if (driver.emulated) return;
      const isShipped = takesPackaged() ? isCurrent : () => false;
      const wanted = MODULES.filter((name) => !handles.has(name) && !isShipped(name));
      if (wanted.length > 0) nvrtc ??= openNvrtc(options.nvrtcPath);
      const compiler = nvrtc;
      if (compiler === undefined || typeof compiler === 'string') return;
      const missing = wanted
        .map((name) => ({ name, source: sourceOf(name) }))
        .filter(({ name, source }) => !existsSync(cacheFile(name, source, compiler)))
        // The longest first, so that none of them is left alone at the end.
        .sort((a, b) => b.source.length - a.source.length);
      let done = 0;
      if (missing.length > 0) onProgress?.(done, missing.length);
      await Promise.all(
        missing.map(async ({ name, source }) => {
          try {
            const code = await compiler.compileBeside(name, source, options.capability);
            compiledBeside.set(name, code);
            const file = cacheFile(name, source, compiler);
            if (file) keep(file, code);
          } catch {
            // Its first use compiles it again, and throws.
          }
          onProgress?.(++done, missing.length);
        }),
      );
    },
    kernel(name) {
      const known = kernels.get(name);
      if (known !== undefined) return known;
      const handle = driver.make('cuModuleGetFunction', moduleOf(kernelLayouts[name].module), name);
      kernels.set(name, handle);
      return handle;
    },
    allowShared(name, bytes) {
      if (bytes <= (shared.get(name) ?? 0)) return;
      driver.call('cuFuncSetAttribute', this.kernel(name), MAX_DYNAMIC_SHARED, bytes);
      shared.set(name, bytes);
    },
    dispose() {
      for (const handle of handles.values()) driver.raw.cuModuleUnload(handle);
      handles.clear();
      kernels.clear();
    },
  };
}

/** Bytes of the hash in front of cached code: the driver takes no length, and would read on behind a cut file. */
const SEAL = 16;

/** The code of a cache file; undefined for a damaged one. */
function unsealed(bytes: Uint8Array): Uint8Array | undefined {
  const code = bytes.subarray(SEAL);
  const seal = new TextDecoder('latin1').decode(bytes.subarray(0, SEAL));
  return seal === hashOf(code) ? code : undefined;
}

/** Writes beside and renames, so that nobody reads half a file; a full or read-only disk only costs the next start. */
function keep(file: string, code: Uint8Array): void {
  const beside = `${file}.${process.pid}`;
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(beside, Buffer.concat([Buffer.from(hashOf(code)), code]));
    renameSync(beside, file);
  } catch {
    // Nothing is lost but time. What was begun goes, where anything was.
    if (existsSync(beside)) rmSync(beside, { force: true });
  }
}
