// Chooses and compiles one of the two committed WebAssembly builds. Starts nothing.

import { CpuRuntimeError } from './errors.ts';
import { nodeModule } from './node.ts';

/** `relaxed`: fused multiply-add where the machine has it, faster. `baseline`: every engine with SIMD and threads. */
export type Simd = 'relaxed' | 'baseline';

/** Names in `exports` are kernels, and the pool's functions of src/runtime/pool.c. */
export interface PoolExports {
  readonly __stack_pointer: WebAssembly.Global;
  launch(index: number, args: number): number;
  replay(list: number, count: number): number;
  reserved_end(threads: number): number;
  stack_top(thread: number, threads: number): number;
  configure(threads: number, spinTurns: number, callerMaySleep: number, stallSlices: number): void;
  set_threads(threads: number): void;
  spin(turns: number): number;
  failure_status(): number;
  shut_down(): void;
}

// (module (func (result v128) (f32x4.relaxed_madd (i8x16.splat (i32.const 0)) ... )))
const RELAXED_PROBE: Uint8Array<ArrayBuffer> = new Uint8Array([
  ...[
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02,
    0x01, 0x00,
  ],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x85, 0x02, 0x0b],
]);

/** Whether the relaxed build can run here. On Node 20 this switches the V8 feature on, which is off by default there. */
function hasRelaxedSimd(): boolean {
  if (WebAssembly.validate(RELAXED_PROBE)) return true;
  try {
    // Only after a failed probe: newer V8 versions do not know the flag and complain on stderr.
    nodeModule('node:v8')?.setFlagsFromString('--experimental-wasm-relaxed-simd');
  } catch {
    return false;
  }
  return WebAssembly.validate(RELAXED_PROBE);
}

/** Compiles the build that was asked for; `auto` takes the relaxed one where it runs. */
export async function compileKernels(
  wanted: Simd | 'auto',
): Promise<{ readonly module: WebAssembly.Module; readonly simd: Simd }> {
  const relaxed = wanted !== 'baseline' && hasRelaxedSimd();
  if (wanted === 'relaxed' && !relaxed) {
    throw new CpuRuntimeError(
      'no-simd',
      '[startRuntime] simd: "relaxed" needs WebAssembly relaxed SIMD, which this engine lacks; use simd: "auto"',
    );
  }
  // Two import() with plain names, so that bundlers make a file of each build and a page loads one of them.
  const { kernels } = relaxed
    ? await import('../generated/kernels-relaxed.ts')
    : await import('../generated/kernels-simd.ts');
  try {
    const module = await WebAssembly.compile(await unpacked(kernels));
    return { module, simd: relaxed ? 'relaxed' : 'baseline' };
  } catch (cause) {
    throw new CpuRuntimeError(
      'no-simd',
      '[startRuntime] the kernels need WebAssembly SIMD and threads (Node >= 20.19, a browser of 2023 or newer), ' +
        'and this engine rejects them; use another device',
      { cause },
    );
  }
}

/** Base64 of a gzipped module → its bytes. What pages have for it brings fetch into Node: 6 MB of memory. */
async function unpacked(base64: string): Promise<BufferSource> {
  const [zlib, buffer] = [nodeModule('node:zlib'), nodeModule('node:buffer')];
  if (zlib && buffer) return zlib.gunzipSync(buffer.Buffer.from(base64, 'base64'));
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).arrayBuffer();
}
