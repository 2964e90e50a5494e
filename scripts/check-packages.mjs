// What users would install: packs every package, lints the tarballs (publint, are-the-types-wrong), installs them with
// npm in an empty folder and imports every entry point there. Needs the build.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { publishedPackages } from './packages.mjs';
import { pnpm, root } from './setup.mjs';

/** Ways to resolve types that packages of ES modules alone leave to the past: the `esm-only` profile of attw. */
const LEFT_OUT = ['node10', 'node16-cjs'];

const packages = publishedPackages();
const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'qsparse-packages-'));
try {
  const tarballs = pack();
  for (const { name, entries, manifest } of packages) {
    const data = readFileSync(tarballs.get(name));
    await lint(name, data);
    if (entries.length > 0) await checkTypes(name, data);
    if (!manifest.license || !manifest.description)
      problems.push(`${name}: license and description are required`);
  }
  if (problems.length === 0) importAll([...tarballs.values()]);
} catch (error) {
  problems.push(error.message);
} finally {
  rmSync(folder, { recursive: true });
}
for (const problem of problems) console.error(`[check-packages] ${problem}`);
if (problems.length > 0) process.exit(1);
const count = packages.reduce((sum, { entries }) => sum + entries.length, 0);
console.log(`${packages.length} packages installed with npm, ${count} entry points imported`);

/** @returns {Map<string, string>} tarball by package name */
function pack() {
  const [command, ...args] = pnpm();
  const filters = packages.flatMap(({ folder: where }) => ['--filter', `./${where}`]);
  execute(command, [...args, '--recursive', ...filters, 'pack', '--pack-destination', folder], root);
  const files = readdirSync(folder);
  return new Map(
    packages.map(({ name, manifest }) => {
      const file = `${name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;
      if (!files.includes(file))
        throw new Error(`[check-packages] pnpm packed no ${file}, only ${files.join(', ')}`);
      return [name, join(folder, file)];
    }),
  );
}

async function lint(name, data) {
  const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ strict: true, pack: { tarball } });
  for (const message of messages) problems.push(`${name}: ${formatMessage(message, pkg, { color: false })}`);
}

async function checkTypes(name, data) {
  const { types, problems: found } = await checkPackage(createPackageFromTarballData(data));
  if (!types) problems.push(`${name}: holds no types`);
  for (const problem of found ?? []) {
    if (LEFT_OUT.includes(problem.resolutionKind)) continue;
    problems.push(`${name}: types are wrong: ${JSON.stringify(problem)}`);
  }
}

/** @param {string[]} tarballs */
function importAll(tarballs) {
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'user', private: true, type: 'module' }),
  );
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];
  // Peers come as tarballs too; vitest, a peer of the conformance suite, is the workspace's own.
  execute('npm', ['install', ...quiet, '--legacy-peer-deps', ...tarballs], folder);
  symlinkSync(join(root, 'node_modules/vitest'), join(folder, 'node_modules/vitest'), 'junction');
  const entries = packages.flatMap((each) => each.entries);
  writeFileSync(
    join(folder, 'user.mjs'),
    `const missing = [];
for (const entry of ${JSON.stringify(entries)}) {
  try {
    if (Object.keys(await import(entry)).length === 0) missing.push(entry + ': exports nothing');
  } catch (error) {
    missing.push(entry + ': ' + error.message);
  }
}
if (missing.length > 0) throw new Error(missing.join('\\n'));
const { device } = await import('qsparse');
(await device('cpu')).dispose();
`,
  );
  execute(process.execPath, ['user.mjs'], folder);
  execute(process.execPath, ['node_modules/@qsparse/cli/dist/main.js', 'doctor', '--json'], folder);
}

function execute(command, args, cwd) {
  const shell = process.platform === 'win32' && command !== process.execPath;
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', shell });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
}
