/**
 * Finds NVIDIA's libraries where they are installed: an explicit path, an environment variable, the loader's own path,
 * the CUDA toolkit and the folders of Python wheels. Nothing is downloaded and no driver call is made.
 */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';

export type LibraryName = 'cuda' | 'cublasLt' | 'nvrtc';

/** koffi's handle of a loaded library. */
export type Library = ReturnType<typeof koffi.load>;

export type Found =
  | { readonly library: Library; readonly path: string }
  | {
      readonly library?: undefined;
      readonly missing: string;
      /** True where a library is named or lies there, and cannot be loaded. */
      readonly broken: boolean;
    };

interface Where {
  /** Holds a path of the library itself. */
  readonly variable: string;
  /** Names for the loader and inside the folders, newest first. */
  readonly files: readonly string[];
  /** Folders of NVIDIA's Python wheels, below site-packages/nvidia. */
  readonly wheels: readonly string[];
}

const WINDOWS = process.platform === 'win32';
/** What loaders say of a file that is not there, against one that they cannot take. */
const NOT_THERE = /no such file|cannot find the file|module could not be found|no suitable image/i;

export const LIBRARIES: Readonly<Record<LibraryName, Where>> = {
  cuda: {
    variable: 'QSPARSE_LIBCUDA',
    files: WINDOWS ? ['nvcuda.dll'] : ['libcuda.so.1', 'libcuda.so'],
    wheels: [],
  },
  cublasLt: {
    variable: 'QSPARSE_LIBCUBLASLT',
    files: WINDOWS ? ['cublasLt64_13.dll', 'cublasLt64_12.dll'] : ['libcublasLt.so.13', 'libcublasLt.so.12'],
    wheels: ['cu13', 'cublas'],
  },
  nvrtc: {
    variable: 'QSPARSE_LIBNVRTC',
    files: WINDOWS ? ['nvrtc64_130_0.dll', 'nvrtc64_120_0.dll'] : ['libnvrtc.so.13', 'libnvrtc.so.12'],
    wheels: ['cu13', 'cuda_nvrtc'],
  },
};

/**
 * Opens a library. `path` ('' or undefined: search) is the only place that is tried when given; the same holds for the
 * environment variable. What was tried and why it failed comes back when there is none.
 */
export function openLibrary(name: LibraryName, path: string | undefined): Found {
  const { variable, files } = LIBRARIES[name];
  const given = path || process.env[variable];
  const candidates = given
    ? [given]
    : [...files, ...foldersOf(name).flatMap((folder) => inside(folder, files))];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    try {
      return { library: koffi.load(candidate), path: candidate };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      reasons.push(
        `${candidate}: ${text.replace('Failed to load shared library: ', '').replace(`${candidate}: `, '').split('\n')[0]!.trim()}`,
      );
    }
  }
  if (given) return { missing: `${reasons[0]} (from ${path ? 'the options' : variable})`, broken: true };
  const unusable = reasons.find((reason) => !NOT_THERE.test(reason));
  if (unusable) return { missing: unusable, broken: true };
  const places = `the loader's path, in CUDA_HOME, /usr/local/cuda or Python wheels`;
  return { missing: `${files.join(' and ')} not found on ${places}`, broken: false };
}

const inside = (folder: string, files: readonly string[]): string[] =>
  files.map((file) => join(folder, file)).filter((file) => existsSync(file));

function foldersOf(name: LibraryName): string[] {
  const roots = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(
    (root): root is string => Boolean(root),
  );
  const toolkits = roots.flatMap((root) =>
    WINDOWS
      ? [join(root, 'bin'), join(root, 'bin/x64')]
      : [join(root, 'lib64'), join(root, 'targets/x86_64-linux/lib')],
  );
  const wheels = sitePackages().flatMap((packages) =>
    LIBRARIES[name].wheels.flatMap((wheel) => {
      const folder = join(packages, 'nvidia', wheel);
      return WINDOWS ? [join(folder, 'bin'), join(folder, 'bin/x86_64')] : [join(folder, 'lib')];
    }),
  );
  return [...toolkits, ...wheels];
}

/** site-packages of the active virtual environment and of the usual places. */
function sitePackages(): string[] {
  const prefixes = [
    process.env.VIRTUAL_ENV,
    process.env.CONDA_PREFIX,
    join(homedir(), '.local'),
    '/usr/local',
    '/usr',
  ];
  const below = (folder: string): string[] => {
    try {
      const pythons = readdirSync(folder).filter((entry) => /^python3(\.\d+)?$/.test(entry));
      return pythons.flatMap((entry) =>
        ['site-packages', 'dist-packages'].map((kind) => join(folder, entry, kind)),
      );
    } catch {
      return [];
    }
  };
  return prefixes
    .filter((prefix): prefix is string => Boolean(prefix))
    .flatMap((prefix) =>
      WINDOWS
        ? [join(prefix, 'Lib/site-packages')]
        : [...below(join(prefix, 'lib')), ...below(join(prefix, 'lib64'))],
    );
}
