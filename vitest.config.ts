import { existsSync, readdirSync } from 'node:fs';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// QSPARSE_TARGET=dist tests what is published (packages must be built first); otherwise the sources.
const source = process.env.QSPARSE_TARGET === 'dist' ? [] : ['@qsparse/source'];
const report = process.env.QSPARSE_REPORT;
const conditions = [...source, ...defaultServerConditions];
const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(new URL(`./${parent}`, import.meta.url)).map((name) => ({ name, root: `${parent}/${name}` })),
);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: source } },
  test: {
    // Worker threads inherit this: they resolve workspace packages the same way.
    execArgv: source.map((condition) => `--conditions=${condition}`),
    testTimeout: 30_000,
    projects: folders
      .filter(({ root }) => existsSync(new URL(`./${root}/test`, import.meta.url)))
      .map(({ name, root }) => ({ extends: true as const, test: { name, root, include: ['test/**/*.test.ts'] } })),
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
});
