// Is a command line of the documentation one that works? Knows npm, npx, pnpm, node and the qsparse command; other
// programs (git, cd, apt-get) are taken as they are. It runs nothing.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { publishedPackages } from './packages.mjs';
import { root } from './setup.mjs';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packageNames = new Set(publishedPackages().map(({ name }) => name));
const projects = new Set(['packages', 'apps'].flatMap((parent) => readdirSync(join(root, parent))));
const tools = new Set(readdirSync(join(root, 'node_modules/.bin')));
const NPM_COMMANDS = new Set(['install', 'i', 'ci']);
const PNPM_COMMANDS = new Set(['install', 'add', 'exec', 'pack', 'publish']);

/**
 * @param {string} text one command, without pipes
 * @returns {Promise<string | undefined>} what is wrong with it
 */
export async function checkCommand(text) {
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare,
  );
  while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift();
  for (const word of words) {
    if (/^(?:packages|apps|docs|scripts)\/\S+$/.test(word) && !existsSync(join(root, word)))
      return `${word} is not there`;
  }
  const [program, ...args] = words;
  if (program === 'npm') return checkNpm(args);
  if (program === 'pnpm') return checkPnpm(args);
  if (program === 'npx') return checkNpx(args);
  if (program === 'qsparse') return checkQsparse(args);
  return undefined;
}

function checkNpm([command, ...rest]) {
  if (NPM_COMMANDS.has(command)) return checkPackages(rest);
  if (command === 'start') return checkQsparse(['train', '--preset', 'tiny', ...afterDashes(rest)]);
  if (command === 'test') return checkScript(command, afterDashes(rest));
  if (command === 'run') return checkScript(rest[0], afterDashes(rest.slice(1)));
  return `npm has no command ${command}, or check-docs does not know it`;
}

function checkPnpm([command, ...rest]) {
  if (command === '--filter' || command === '-r' || command === '--recursive') return undefined;
  if (command === 'exec') return checkTool(rest);
  if (command === 'add' || command === 'install') return checkPackages(rest);
  if (PNPM_COMMANDS.has(command)) return undefined;
  return command in scripts ? checkScript(command, rest) : checkTool([command, ...rest]);
}

function checkNpx(words) {
  const [name, ...rest] = words.filter((word) => word !== '-y' && word !== '--yes');
  return name === 'qsparse' || name === '@qsparse/cli' ? checkQsparse(rest) : undefined;
}

function checkScript(name, args) {
  if (!(name in scripts)) return `package.json has no script ${name}`;
  return name === 'qsparse' ? checkQsparse(args) : undefined;
}

function checkTool([name, ...rest]) {
  if (!tools.has(name)) return `there is no script or tool ${name}`;
  const project = rest[rest.indexOf('--project') + 1]?.replace(/^!?browser-/, '');
  if (rest.includes('--project') && project !== '*' && !projects.has(project))
    return `there is no project ${project}`;
  return undefined;
}

function checkPackages(words) {
  const unknown = words.find((word) => /^(?:@qsparse\/|qsparse)/.test(word) && !packageNames.has(word));
  return unknown && `there is no package ${unknown}`;
}

/** With the command line's own parser. */
async function checkQsparse([name, ...args]) {
  if (name === undefined || name === '--help' || name === 'help') return undefined;
  const file = join(root, `apps/cli/dist/commands/${name}.js`);
  if (!existsSync(file)) return `qsparse has no command ${name}`;
  const { parseArguments } = await import('../apps/cli/dist/command.js');
  const { command } = await import(pathToFileURL(file).href);
  try {
    parseArguments(command, args);
  } catch (error) {
    return error.message;
  }
}

const afterDashes = (words) => words.slice(words.includes('--') ? words.indexOf('--') + 1 : words.length);
