import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

// QSPARSE_TARGET=dist tests what is published (packages must be built first); otherwise the sources.
const source = process.env.QSPARSE_TARGET === 'dist' ? [] : ['@qsparse/source'];
const report = process.env.QSPARSE_REPORT;
const chromium = findChromium();
/** What a page must send to share memory with its workers. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

const has = (path: string): boolean => existsSync(new URL(path, import.meta.url));
const folders = ['packages', 'apps']
  .flatMap((parent) =>
    readdirSync(new URL(parent, import.meta.url)).map((name) => ({ name, root: `${parent}/${name}` })),
  )
  .filter(({ root }) => has(`${root}/test`));

/**
 * Tests that only the run of the sources needs: kernels one by one, which dist shares, and tools of the tests. They are the
 * slowest there are.
 */
const SOURCE_ONLY: Readonly<Record<string, readonly string[]>> = {
  'backend-cuda': ['test/kernels/**', 'test/emulator/**', 'test/emulator.test.ts'],
  'backend-webgpu': ['test/kernels/**', 'test/null.test.ts', 'test/sections.test.ts'],
  cli: ['test/verify/cuda.test.ts', 'test/train/cuda.test.ts', 'test/convert/engines.test.ts'],
};

/**
 * Files that run in processes with another environment, which no test can change: how wide lavapipe's subgroups are, and
 * which driver there is.
 */
const VARIANTS: Readonly<
  Record<string, readonly [name: string, env: Record<string, string>, file: string][]>
> = {
  'backend-webgpu': [
    ['subgroups-of-4', { LP_NATIVE_VECTOR_WIDTH: '128' }, 'variants/subgroups.test.ts'],
    ['subgroups-of-8', { LP_NATIVE_VECTOR_WIDTH: '256' }, 'variants/subgroups.test.ts'],
    ['subgroups-of-16', { LP_NATIVE_VECTOR_WIDTH: '512' }, 'variants/subgroups.test.ts'],
    ['full', { QSPARSE_WEBGPU_DRIVER: 'swiftshader' }, 'variants/out-of-memory.test.ts'],
  ],
};
/** What Chromium needs for WebGPU on a machine without a GPU, for computing alone. */
const WEBGPU_FLAGS = ['--enable-unsafe-webgpu'];
const WEBGPU_PAGES = ['backend-webgpu', 'studio'];

export default defineConfig({
  test: {
    // Vitest leaves a core to itself, which of two is half of the speed.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: folders.flatMap(({ name, root }) => [
      nodeProject(name, root),
      ...(source.length > 0 ? (VARIANTS[name] ?? []) : []).map(([variant, env, file]) =>
        nodeProject(`${name}-${variant}`, root, [`test/${file}`], env),
      ),
      ...(has(`${root}/test/browser`) ? browserProjects(name, root) : []),
    ]),
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      exclude: ['**/generated/**'],
    },
  },
});

function nodeProject(
  name: string,
  root: string,
  include = ['test/**/*.test.ts'],
  env: Record<string, string> = {},
): TestProjectInlineConfiguration {
  const conditions = [...source, ...defaultServerConditions];
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: source } },
    test: {
      name,
      root,
      include,
      env,
      exclude: [
        'test/browser/**',
        ...(include.length === 1 && include[0]!.includes('**') ? ['test/variants/**'] : []),
        ...(source.length > 0 ? [] : (SOURCE_ONLY[name] ?? [])),
      ],
      // Files share processes and so their imports: three times as fast. A test leaves nothing behind.
      isolate: false,
      // Worker threads inherit this: they resolve workspace packages the same way.
      execArgv: source.map((condition) => `--conditions=${condition}`),
      testTimeout: 30_000,
    },
  };
}

/** Threads differ by what a page may share; WebGPU does not, and needs flags. */
function browserProjects(name: string, root: string): TestProjectInlineConfiguration[] {
  if (WEBGPU_PAGES.includes(name)) return [browserProject(`browser-${name}`, root, ISOLATED, WEBGPU_FLAGS)];
  return [
    browserProject(`browser-${name}-isolated`, root, ISOLATED),
    browserProject(`browser-${name}-page`, root, {}),
  ];
}

/** The tests of test/browser in headless Chromium; without one, a skipped test that says so. */
function browserProject(
  name: string,
  root: string,
  headers: Record<string, string>,
  args: string[] = [],
): TestProjectInlineConfiguration {
  if (!chromium) return { test: { name, root, include: ['test/browser/no-chromium.test.ts'] } };
  return {
    resolve: { conditions: [...source, ...defaultClientConditions] },
    server: { headers },
    test: {
      name,
      root,
      include: ['test/browser/**/*.test.ts'],
      exclude: ['test/browser/no-chromium.test.ts'],
      testTimeout: 60_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        instances: [{ browser: 'chromium' }],
        provider: playwright({ launchOptions: { executablePath: chromium, args } }),
      },
    },
  };
}

/** A Chromium that starts: CHROMIUM_PATH, or where systems install it. Nothing is downloaded. */
function findChromium(): string | undefined {
  const usual = [
    '/usr/bin/chromium',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const candidates = process.env.CHROMIUM_PATH === undefined ? usual : [process.env.CHROMIUM_PATH];
  return candidates.find(
    (path) => existsSync(path) && spawnSync(path, ['--version'], { timeout: 20_000 }).status === 0,
  );
}
