// Makes a fresh clone ready: installs the pinned pnpm's packages and builds what is stale. Needs Node and npm only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs a program of the workspace and ends this process with its exit code where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 */
export function must(command, args, env = {}) {
  const status = run(command, args, env);
  if (status !== 0) process.exit(status);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @returns {number} exit code
 */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...env },
    shell: process.platform === 'win32',
  });
  if (error) console.error(`[setup] ${command} did not start: ${error.message}`);
  return status ?? 1;
}

/** pnpm of exactly the pinned version: the one on the PATH, else by npx. */
export function pnpm() {
  const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  const version = /^pnpm@([\d.]+)/.exec(packageManager)[1];
  const found = spawnSync('pnpm', ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  return found.stdout?.trim() === version ? ['pnpm'] : ['npx', '--yes', `pnpm@${version}`];
}

/** Packages as the lockfile says, unless they are there already. */
export function install() {
  requireNode();
  const [lock, installed] = ['pnpm-lock.yaml', 'node_modules/.modules.yaml'].map((file) => `${root}/${file}`);
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error('[setup] installing packages');
  const [command, ...args] = pnpm();
  must(command, [...args, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn']);
}

/** Compiles every package and app whose sources changed. */
export function build() {
  must(`${root}/node_modules/.bin/tsc`, ['-b', 'apps/cli', 'apps/bench', 'packages/conformance']);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `[setup] Node 20.19 or newer is required, this is ${process.versions.node}; install a newer Node`,
  );
  process.exit(1);
}
