/** What `doctor` says about the CUDA device: what was found and where, what is missing and what that costs. */
import { type Driver, showVersion } from './driver/driver.ts';
import { openNvrtc } from './modules/nvrtc.ts';
import { builtFatbins } from './modules/source.ts';

export interface ReportParts {
  readonly driver: Driver;
  /** Where matrix products run. */
  readonly products: string;
  readonly nvrtcPath: string | undefined;
  readonly cacheFolder: string;
  readonly memory: { readonly free: number; readonly total: number };
}

/** One fact a line. */
export function reportLines({
  driver,
  products,
  nvrtcPath,
  cacheFolder,
  memory,
}: ReportParts): readonly string[] {
  const nvrtc = openNvrtc(nvrtcPath);
  const built = builtFatbins();
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    `driver: ${driver.path}, CUDA ${showVersion(driver.version)}`,
    `memory: ${gib(memory.free)} of ${gib(memory.total)} free`,
    `matrix products: ${products}`,
    built > 0
      ? `kernels: machine code for ${built} files`
      : 'kernels: no machine code was built; NVRTC compiles them at the first start (some seconds, once)',
    typeof nvrtc === 'string'
      ? `NVRTC: missing (${nvrtc}); needed only where no machine code fits the GPU`
      : `NVRTC: ${nvrtc.path}, ${nvrtc.version}`,
    cacheFolder ? `cache: ${cacheFolder}` : 'cache: off; compiled kernels are not kept',
  ];
}
