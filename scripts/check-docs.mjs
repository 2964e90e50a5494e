// The documentation says what is so: every TypeScript block compiles against the workspace, or with `file=PATH` after
// the language is part of that file, word by word; every command line in a shell block exists and takes those options;
// every relative link leads to a file.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkCommand } from './command-lines.mjs';
import { publishedPackages } from './packages.mjs';
import { cache, root, tool } from './setup.mjs';

const BLOCK = /^```(\w*)(?: file=(\S+))?[^\n]*\n([\s\S]*?)^```/gm;
const LINK = /\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

const files = [
  ...['README.md', 'CONTRIBUTING.md', '.changeset/README.md'],
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ...['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}/README.md`),
  ),
].filter((file) => file.endsWith('.md'));

const problems = [];
const counts = { modules: 0, quotes: 0, commands: 0, links: 0 };
const folder = join(cache, 'docs');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const file of files) {
  if (!existsSync(join(root, file))) {
    problems.push(`${file} is missing; say there what the package is`);
    continue;
  }
  const text = readFileSync(join(root, file), 'utf8');
  for (const match of text.matchAll(BLOCK)) {
    const [, language, quoted, content] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    if (quoted) checkQuote(file, line, quoted, content);
    else if (['ts', 'typescript', 'js', 'javascript'].includes(language)) addModule(file, line, content);
    if (['bash', 'sh', 'shell', 'console'].includes(language)) await checkShell(file, line, content);
  }
  for (const [, target] of text.replace(BLOCK, '').matchAll(LINK)) {
    counts.links += 1;
    if (!existsSync(join(root, dirname(file), target)))
      problems.push(`${file}: links to ${target}, which is not there`);
  }
}
typecheck();
for (const problem of problems) console.error(`[check-docs] ${problem}`);
if (problems.length > 0) process.exit(1);
const { modules, quotes, commands, links } = counts;
console.log(
  `${modules} examples compile; ${quotes} quotes, ${commands} command lines, ${links} links are right`,
);

function checkQuote(file, line, quoted, content) {
  counts.quotes += 1;
  const path = join(root, quoted);
  if (!existsSync(path)) problems.push(`${file}:${line}: quotes ${quoted}, which is not there`);
  else if (!readFileSync(path, 'utf8').includes(content)) {
    problems.push(`${file}:${line}: is not what ${quoted} says; copy the passage again`);
  }
}

/** Writes a block as a module whose line numbers are those of the document. */
function addModule(file, line, content) {
  counts.modules += 1;
  const name = `${file.replaceAll('/', '__')}.${line}.ts`;
  writeFileSync(join(folder, name), `${'\n'.repeat(line - 1)}${content}`);
}

async function checkShell(file, line, content) {
  const joined = content.replace(/\\\n/g, (lineBreak) => ' '.repeat(lineBreak.length - 1));
  for (const [i, text] of joined.split('\n').entries()) {
    for (const command of text
      .replace(/^\s*\$ /, '')
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\|\||[|;]/)) {
      if (command.trim() === '') continue;
      counts.commands += 1;
      const problem = await checkCommand(command.trim());
      if (problem) problems.push(`${file}:${line + i}: ${problem}`);
    }
  }
}

function typecheck() {
  const paths = Object.fromEntries(
    publishedPackages().flatMap(({ name, folder: where, exports }) =>
      Object.entries(exports).map(([path, target]) => [
        name + path.slice(1),
        [join(root, where, target['@qsparse/source'])],
      ]),
    ),
  );
  const compilerOptions = {
    paths,
    moduleDetection: 'force',
    allowJs: false,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const project = join(folder, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] }),
  );
  const { status, stdout } = spawnSync(join(root, tool('tsc')), ['-p', project, '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: folder,
  });
  if (status === 0) return;
  for (const line of stdout.trim().split('\n')) {
    const [, name, at, message] = /^([^\s(]*\.md)\.\d+\.ts\((\d+),\d+\): (.*)$/.exec(line) ?? [];
    problems.push(name ? `${name.replaceAll('__', '/')}:${at}: ${message}` : line);
  }
}
