/** NVIDIA's runtime compiler: CUDA C++ to machine code of one GPU. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeviceError } from '@qsparse/core';
import koffi from 'koffi';
import { CudaError } from '../driver/errors.ts';
import { type Library, openLibrary } from '../driver/libraries.ts';

export interface Nvrtc {
  readonly path: string;
  /** Such as "13.0". */
  readonly version: string;
  /** Machine code for compute capability `capability` (90 is 9.0). Throws DeviceError with the compiler's first error. */
  compile(name: string, source: string, capability: number): Uint8Array;
  /** The same on another thread; several run at once. */
  compileBeside(name: string, source: string, capability: number): Promise<Uint8Array>;
}

/** Opens NVRTC; a string says why it is not there. */
export function openNvrtc(path?: string): Nvrtc | string {
  const found = openLibrary('nvrtc', path);
  if (!found.library) return found.missing;
  loadBuiltins(found.path);
  try {
    return bindNvrtc(found.library, found.path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    return `${found.path} is not NVRTC: ${reason}`;
  }
}

/**
 * NVRTC asks the loader for its second half by name, which finds nothing in the folder of a Python wheel, unless that
 * half is loaded before.
 */
function loadBuiltins(path: string): void {
  const folder = dirname(path);
  if (folder === '.') return;
  for (const file of readdirSync(folder)) {
    if (!/^(lib)?nvrtc-builtins(?!.*\.alt)/.test(file)) continue;
    try {
      koffi.load(join(folder, file));
    } catch {
      // Of another version: NVRTC says so when it compiles.
    }
  }
}

function bindNvrtc(library: Library, path: string): Nvrtc {
  const create = library.func(
    'int nvrtcCreateProgram(void *program, const char *source, const char *name, int headers, const void *texts, const void *names)',
  );
  const compileProgram = library.func(
    'int nvrtcCompileProgram(uintptr_t program, int count, const char **options)',
  );
  const cubinSize = library.func('int nvrtcGetCUBINSize(uintptr_t program, void *size)');
  const cubin = library.func('int nvrtcGetCUBIN(uintptr_t program, void *code)');
  const logSize = library.func('int nvrtcGetProgramLogSize(uintptr_t program, void *size)');
  const log = library.func('int nvrtcGetProgramLog(uintptr_t program, void *text)');
  const destroy = library.func('int nvrtcDestroyProgram(void *program)');
  const major = new Int32Array(1);
  const minor = new Int32Array(1);
  library.func('int nvrtcVersion(void *major, void *minor)')(major, minor);
  const version = `${major[0]}.${minor[0]}`;
  const check = (call: string, status: number, what: string): void => {
    if (status !== 0)
      throw new CudaError(call, status, `${call} failed with NVRTC error ${status} for ${what}`);
  };
  const sized = (size: (program: number, out: BigUint64Array) => number, program: number): Uint8Array => {
    const out = new BigUint64Array(1);
    size(program, out);
    return new Uint8Array(Number(out[0]));
  };
  /** A program that is ready to be compiled, and what is done with it then. */
  const begin = (name: string, source: string, capability: number) => {
    const handle = new BigUint64Array(1);
    check('nvrtcCreateProgram', create(handle, source, `${name}.cu`, 0, null, null) as number, name);
    const program = Number(handle[0]);
    // NVRTC takes constexpr functions for host code, which it refuses, unless all is device code.
    const options = [`--gpu-architecture=sm_${capability}`, '--std=c++17', '-default-device'];
    const end = (status: number): Uint8Array => {
      try {
        if (status !== 0) {
          const text = sized(logSize, program);
          log(program, text);
          const lines = new TextDecoder().decode(text).split('\n');
          const first = lines.find((line) => /error/.test(line)) ?? lines[0] ?? '';
          throw new DeviceError(
            'cuda',
            `NVRTC ${version} cannot compile ${name}.cu for compute capability ${(capability / 10).toFixed(1)}: ${first.trim()}`,
            'install the NVRTC of CUDA 12.4 or newer',
          );
        }
        const code = sized(cubinSize, program);
        check('nvrtcGetCUBIN', cubin(program, code) as number, name);
        return code;
      } finally {
        destroy(handle);
      }
    };
    return { args: [program, options.length, options] as const, end };
  };
  return {
    path,
    version,
    compile(name, source, capability) {
      const { args, end } = begin(name, source, capability);
      return end(compileProgram(...args) as number);
    },
    async compileBeside(name, source, capability) {
      const { args, end } = begin(name, source, capability);
      const status = await new Promise<number>((resolve, reject) => {
        compileProgram.async(...args, (error: Error | null, result: number) =>
          error ? reject(error) : resolve(result),
        );
      });
      return end(status);
    },
  };
}
