import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'backend-cpu-'));
const quiet = { configFile: false, logLevel: 'warn', root: folder } as const;
afterAll(() => rmSync(folder, { recursive: true }));

describe('a Node process', () => {
  beforeAll(async () => {
    // One JavaScript file with the same neighbours as in src and dist: Node 20 cannot load TypeScript.
    mkdirSync(join(folder, 'node/runtime'), { recursive: true });
    await build({
      ...quiet,
      build: {
        ssr: join(source, 'runtime/index.ts'),
        outDir: 'node/runtime',
        target: 'node20',
        rollupOptions: { output: { entryFileNames: 'index.js' } },
      },
    });
    copyFileSync(join(source, 'worker.js'), join(folder, 'node/worker.js'));
    writeFileSync(join(folder, 'node/package.json'), '{ "type": "module" }');
  });

  const run = (script: string) => {
    const path = join(folder, 'node/script.js');
    writeFileSync(path, `import { startRuntime } from './runtime/index.js';\n${script}`);
    return spawnSync(process.execPath, [path], { encoding: 'utf8', timeout: 20_000 });
  };

  test('ends by itself while the workers wait, and prints nothing', () => {
    const { status, stdout, stderr } = run(
      `const r = await startRuntime({ threads: 3 }); console.log(r.threads);`,
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '3\n', stderr: '' });
  });

  test('ends by itself after dispose', () => {
    const script = `const r = await startRuntime({ threads: 3 }); r.dispose();
      console.log(process.getActiveResourcesInfo().filter((name) => /worker|timeout/i.test(name)).length);`;
    const { status, stderr } = run(script);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('starts with as many threads as there are cores, and with none to spare when a worker cannot start', () => {
    const broken = join(folder, 'node/worker.js');
    const good = readFileSync(broken);
    writeFileSync(broken, 'throw new Error("no worker today");');
    const script = `
      const r = await startRuntime(); console.log(r.threads, r.notes.length);
      await startRuntime({ threads: 3 }).catch((error) => console.log(error.code, /no worker today/.test(error.message)));`;
    const { status, stdout, stderr } = run(script);
    writeFileSync(broken, good);
    const cores = Number(run(`import os from 'node:os'; console.log(os.availableParallelism());`).stdout);
    const notes = cores > 1 ? 1 : 0;
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `1 ${notes}\nworker-start true\n`,
      stderr: '',
    });
  });
});

test('a browser bundle holds the worker and each build of the kernels as files of their own', async () => {
  const entry = join(folder, 'page.js');
  writeFileSync(
    entry,
    `import { startRuntime } from ${JSON.stringify(join(source, 'runtime/index.ts'))};\nstartRuntime();`,
  );
  await build({
    ...quiet,
    build: { rollupOptions: { input: entry }, outDir: 'web', target: 'es2023' },
    worker: { format: 'es' },
  });
  const files = readdirSync(join(folder, 'web/assets'));
  const worker = files.find((name) => /^worker-.*\.js$/.test(name));
  expect(worker, files.join()).toBeDefined();
  expect(readFileSync(join(folder, 'web/assets', worker!), 'utf8')).toContain('report_trap');
  const page = readFileSync(
    join(folder, 'web/assets', files.find((name) => name.startsWith('page'))!),
    'utf8',
  );
  expect(page).toContain(worker!);
  // The two builds of the kernels are files of their own, and a page loads one of them.
  expect(page.length).toBeLessThan(50_000);
  expect(files.filter((name) => name.startsWith('kernels-'))).toHaveLength(2);
});
