// Whether a second implementation of WGSL takes our kernels: compiles every one that needs no subgroups with naga, through
// the WebGPU of Deno. Node starts it: node scripts/check-naga.mjs. Deno comes from $DENO, else from npm, on the first run,
// into node_modules/.cache; it needs an adapter (a software one: node scripts/software-gpu.mjs). Exits with 1 where a
// kernel fails, with 2 where there is no Deno or no adapter.
import { fileURLToPath } from 'node:url';

const VERSION = '2.9.6';
/** For its download of 40 MB. */
const MOST_MILLISECONDS = 120_000;
if (globalThis.Deno) await compileAll();
else await startDeno();

async function compileAll() {
  const { MODULES } = await import('../src/generated/kernels.ts');
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) give('Deno finds no adapter');
  const names = ['maxComputeWorkgroupStorageSize', 'maxComputeInvocationsPerWorkgroup'];
  const requiredLimits = Object.fromEntries(names.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const failures = [];
  /** @param {string} name @param {() => void} work */
  const attempt = async (name, work) => {
    device.pushErrorScope('validation');
    let thrown;
    try {
      work();
    } catch (error) {
      thrown = error;
    }
    const error = (await device.popErrorScope()) ?? thrown;
    if (error) failures.push(`${name}: ${error.message.trim()}`);
    return !error;
  };
  let [entries, left] = [0, 0];
  for (const [label, { source }] of Object.entries(MODULES)) {
    // naga has subgroup operations and not yet the directive that WGSL wants before them.
    if (/^enable\b/m.test(source)) {
      left += 1;
      continue;
    }
    let module;
    const isParsed = await attempt(label, () => {
      module = device.createShaderModule({ label, code: source });
    });
    if (!isParsed) continue;
    for (const [, entryPoint] of source.matchAll(/@compute[^{;]*?\bfn\s+(\w+)/g)) {
      const compute = { module, entryPoint };
      await attempt(`${label}.${entryPoint}`, () =>
        device.createComputePipeline({ label, layout: 'auto', compute }),
      );
      entries += 1;
    }
  }
  for (const failure of failures) console.error(`[check-naga] ${failure}`);
  const adapterName = adapter.info.description || adapter.info.device;
  console.log(
    `[check-naga] Deno ${Deno.version.deno} on ${adapterName}: ${entries} entry points, ${failures.length} failures; ${left} modules that need extensions are left out`,
  );
  if (failures.length > 0) Deno.exit(1);
}

async function startDeno() {
  const { spawnSync } = await import('node:child_process');
  const { existsSync, mkdirSync, writeFileSync } = await import('node:fs');
  const folder = fileURLToPath(new URL('../../../node_modules/.cache/deno', import.meta.url));
  const suffix = process.platform === 'linux' ? '-glibc' : '';
  const binary = process.platform === 'win32' ? 'deno.exe' : 'deno';
  // Not through the package's own command: it wants its install script.
  const installed = `${folder}/node_modules/@deno/${process.platform}-${process.arch}${suffix}/${binary}`;
  const deno = process.env.DENO ?? installed;
  if (!existsSync(deno)) {
    mkdirSync(folder, { recursive: true });
    const manifest = { private: true, dependencies: { deno: VERSION } };
    writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
    const options = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    const shell = process.platform === 'win32';
    spawnSync('npm', options, { cwd: folder, stdio: 'inherit', shell, timeout: MOST_MILLISECONDS });
    if (!existsSync(deno)) give(`there is no Deno at ${deno}`);
  }
  const manifest = fileURLToPath(new URL('../.software-gpu/lavapipe.json', import.meta.url));
  const env = { NODEVICE_SELECT: '1', ...process.env };
  if (existsSync(manifest)) env.VK_ICD_FILENAMES ??= manifest;
  const { status } = spawnSync(
    deno,
    ['run', '--unstable-webgpu', '--allow-all', '--no-lock', fileURLToPath(import.meta.url)],
    { env, stdio: 'inherit' },
  );
  process.exit(status ?? 2);
}

/** @param {string} why */
function give(why) {
  console.error(`[check-naga] ${why}`);
  if (globalThis.Deno) Deno.exit(2);
  process.exit(2);
}
