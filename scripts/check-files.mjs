// What is in the repository: no file too long to read, no trace of the machine it was written on. Prints lines a package.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { extname } from 'node:path';
import { root } from './setup.mjs';

const MOST_LINES = 500;
const SOURCES = new Set(['.ts', '.js', '.mjs', '.c', '.h']);
const BINARY = new Set(['.safetensors', '.gguf', '.gz', '.br', '.wasm', '.png']);
const GENERATED = /\/generated\//;

const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.stdout.split('\0').filter((file) => file && existsSync(`${root}/${file}`));
const traces = tracesOfThisMachine();
const problems = listed.status === 0 ? [] : [`git ls-files failed: ${listed.stderr.trim()}`];
/** @type {Map<string, number[]>} */
const lengths = new Map();
for (const file of files) {
  if (BINARY.has(extname(file))) continue;
  const text = readFileSync(`${root}/${file}`, 'utf8');
  for (const [what, pattern] of traces) {
    const line = text.split('\n').findIndex((content) => pattern.test(content));
    if (line >= 0) problems.push(`${file}:${line + 1}: holds ${what}; write it relative or leave it out`);
  }
  if (file === 'pnpm-lock.yaml' && /https?:\/\//.test(text)) problems.push(`${file}: names a host`);
  if (!SOURCES.has(extname(file)) || GENERATED.test(file)) continue;
  const lines = text.split('\n').length - 1;
  if (lines > MOST_LINES)
    problems.push(`${file}: ${lines} lines, at most ${MOST_LINES}; split it by what it does`);
  const [parent, child] = file.split('/');
  const group = parent === 'packages' || parent === 'apps' ? `${parent}/${child}` : 'root';
  lengths.set(group, [...(lengths.get(group) ?? []), lines]);
}

for (const [group, lines] of [...lengths].sort()) console.log(`${group.padEnd(24)} ${describe(lines)}`);
for (const problem of problems) console.error(`[check-files] ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(`sources: ${describe([...lengths.values()].flat())}`);

/** @param {number[]} lines */
function describe(lines) {
  const sorted = [...lines].sort((a, b) => a - b);
  const total = sorted.reduce((sum, count) => sum + count, 0);
  return `${lines.length} files, ${total} lines, median ${sorted[sorted.length >> 1]}, longest ${sorted.at(-1)}`;
}

/** @returns {[what: string, pattern: RegExp][]} */
function tracesOfThisMachine() {
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const path = (folder) => new RegExp(`(?<![\\w./@-])${escaped(folder)}(?![\\w-])`);
  const shell = process.platform === 'win32';
  const configured = spawnSync('npm', ['config', 'get', 'registry'], {
    encoding: 'utf8',
    shell,
  }).stdout.trim();
  const host = URL.canParse(configured) ? new URL(configured).host : '';
  return [
    ['the path of this checkout', path(root)],
    ...(homedir().length > 3 ? [['the home folder of this machine', path(homedir())]] : []),
    ['an absolute path', /(?<![\w./@-])\/(?:home|Users|work|root)\/\w/],
    ...(host ? [['the host of the npm registry', new RegExp(escaped(host))]] : []),
  ];
}
