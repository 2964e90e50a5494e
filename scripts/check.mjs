// `npm run check`: everything but the tests. Style, types, import arrows, dead code, packaging, sizes, kernels.
import { spawnSync } from 'node:child_process';
import { build, install, must, pnpm, root } from './setup.mjs';

install();
const bin = (name) => `${root}/node_modules/.bin/${name}`;
const node = process.execPath;
must(bin('biome'), ['check', '.']);
must(node, ['scripts/check-imports.mjs']);
build();
must(bin('tsc'), ['-p', 'tsconfig.json']);
must(bin('sherif'), []);
must(bin('knip'), []);
must(node, ['scripts/check-docs.mjs']);
must(node, ['scripts/check-packages.mjs']);
must(node, ['scripts/check-sizes.mjs']);
if (spawnSync('clang-19', ['--version']).status === 0) {
  must(node, ['packages/backend-cpu/scripts/build-wasm.mjs', '--check']);
} else {
  console.log('[check] clang-19 is not installed, so the committed kernels were not rebuilt and compared');
}
const [command, ...args] = pnpm();
must(command, [...args, 'exec', 'changeset', 'status', '--since=HEAD'].filter(Boolean));
