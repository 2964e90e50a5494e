// Decoding in a page of headless Chromium, cross-origin isolated: wllama, onnxruntime-web, or ours. Arguments: PAGE (a file of
// pages/), then those of decode.mjs. Run in a folder that has the package. Memory is that of the page's process.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { decodeArguments, peakMegabytes, print, rates, someTokens } from './decode.mjs';

const [page] = process.argv.splice(2, 1);
const { model, threads, prompt, tokens, turns } = decodeArguments();
const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
/** What the page may read, by the first part of the path. */
const FOLDERS = {
  peers: here,
  node_modules: resolve('node_modules'),
  packages: join(root, 'packages'),
  apps: join(root, 'apps'),
};
const TYPES = {
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
};

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, 'http://page').pathname);
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-embedder-policy', 'require-corp');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  if (path === '/') return response.setHeader('content-type', TYPES.html).end(html());
  const file = path === '/model' ? model : fileOf(path);
  if (!file || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
  response.setHeader('content-type', TYPES[file.split('.').at(-1)] ?? 'application/octet-stream');
  response.setHeader('content-length', statSync(file).size);
  createReadStream(file).pipe(response);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));

const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu'],
});
const tab = await browser.newPage();
const said = [];
tab.on('console', (message) => said.push(message.text()));
tab.on('pageerror', (error) => said.push(error.message));
try {
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  const measured = await tab.evaluate(
    async ({ module, settings }) => (await import(module)).measure(settings),
    {
      module: `/peers/pages/${page}.mjs`,
      settings: { threads, prompt: someTokens(prompt), tokens, turns, model },
    },
  );
  // Ours brings its own table; of the others come times.
  const result = measured.rows
    ? measured
    : { prefill: rates(prompt, measured.prefill), decode: rates(tokens, measured.decode) };
  print({ ...result, peakMegabytes: pageMegabytes(), browser: browser.version() });
} catch (error) {
  console.error(`[${page}] ${error.message}\n${said.slice(-5).join('\n')}`);
  process.exit(1);
}

/** Nothing outside of the folders, whatever the path says. */
function fileOf(path) {
  const [, first, ...rest] = path.split('/');
  const folder = FOLDERS[first];
  if (!folder) return undefined;
  const file = resolve(folder, ...rest);
  return file.startsWith(resolve(folder) + sep) ? file : undefined;
}

/** Names of packages to what is published of them. */
function html() {
  const imports = {};
  for (const folder of readdirSync(FOLDERS.packages)) {
    const { name, publishConfig } = JSON.parse(
      readFileSync(join(FOLDERS.packages, folder, 'package.json'), 'utf8'),
    );
    for (const [entry, target] of Object.entries(publishConfig?.exports ?? {})) {
      const file = typeof target === 'string' ? target : (target.browser ?? target.default);
      imports[join(name, entry)] = `/${join('packages', folder, file)}`;
    }
  }
  return `<!doctype html><meta charset="utf-8"><script type="importmap">${JSON.stringify({ imports })}</script>`;
}

/** Of the largest renderer, which is the page's. */
function pageMegabytes() {
  const own = readdirSync('/proc').filter((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return /^\d+$/.test(name) && command.includes('--type=renderer');
    } catch {
      return false; // ended meanwhile
    }
  });
  return Math.max(...own.map((name) => peakMegabytes(`/proc/${name}/status`) ?? 0));
}

function findChromium() {
  const usual = ['/usr/bin/chromium', '/usr/bin/google-chrome'];
  const found = process.env.CHROMIUM_PATH ?? usual.find((path) => existsSync(path));
  if (found) return found;
  throw new Error('[bench] a Chromium is required, there is none; install it or set CHROMIUM_PATH');
}
