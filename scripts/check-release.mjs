// The next release, tried on a copy: `changeset version` must read every changeset and give all packages one version.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedPackages } from './packages.mjs';
import { root } from './setup.mjs';

const packages = publishedPackages();
const copy = mkdtempSync(join(tmpdir(), 'qsparse-release-'));
const problems = [];
try {
  for (const file of ['package.json', 'pnpm-workspace.yaml', '.changeset']) {
    cpSync(join(root, file), join(copy, file), { recursive: true });
  }
  for (const { folder } of packages) {
    mkdirSync(join(copy, folder), { recursive: true });
    cpSync(join(root, folder, 'package.json'), join(copy, folder, 'package.json'));
  }
  // A changelog asks git who wrote what; the copy has no history.
  const config = join(copy, '.changeset/config.json');
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), changelog: false }));
  const changeset = join(root, 'node_modules/@changesets/cli/bin.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [changeset, 'version'], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) problems.push(`changeset version failed\n${stdout}${stderr}`);
  const versions = new Map(packages.map(({ name, folder }) => [name, versionIn(copy, folder)]));
  const [wanted] = versions.values();
  for (const [name, version] of versions) {
    if (version !== wanted)
      problems.push(`${name} would be ${version}, the others ${wanted}; see .changeset/config.json`);
  }
  if (problems.length === 0) {
    const changed = wanted !== versionIn(root, packages[0].folder);
    console.log(
      changed ? `the next version is ${wanted}, for ${packages.length} packages` : 'nothing to release',
    );
  }
} finally {
  rmSync(copy, { recursive: true });
}
for (const problem of problems) console.error(`[check-release] ${problem}`);
if (problems.length > 0) process.exit(1);

function versionIn(where, folder) {
  return JSON.parse(readFileSync(join(where, folder, 'package.json'), 'utf8')).version;
}
