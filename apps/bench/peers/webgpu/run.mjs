// WebGPU libraries against each other on one adapter in one run: node run.mjs [--node] [--products 512,1024]
// [--rounds N] [--seconds S] [--no-network] [--json]. In headless Chromium, on its SwiftShader where the machine has no
// GPU; --node goes through Dawn, on the driver that VK_ICD_FILENAMES names. Ours must have been built.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { bundle, VERSIONS } from './bundle.mjs';
import { markdown } from './table.mjs';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const { values } = parseArgs({
  options: {
    node: { type: 'boolean', default: false },
    products: { type: 'string', default: '512,1024' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '0.5' },
    'no-network': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const what = {
  products: values.products.split(',').map(Number),
  network: values['no-network'] ? undefined : { batch: 256, width: 512, hidden: 2048 },
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
};
const folder = join(root, 'node_modules/.cache/peers/webgpu');
mkdirSync(folder, { recursive: true });
const file = join(folder, 'race.mjs');
await bundle(['ours', 'tfjs', 'jax-js'], file);

const result = values.node ? await inNode() : await inChromium();
for (const line of result.left) console.error(`[bench] left out: ${line}`);
console.log(values.json ? JSON.stringify({ ...result, versions: VERSIONS }) : markdown(result));
// Libraries leave timers and devices behind.
process.exit(0);

async function inChromium() {
  const server = createServer((request, response) => {
    if (request.url === '/race.mjs')
      response.setHeader('content-type', 'text/javascript').end(readFileSync(file));
    else response.setHeader('content-type', 'text/html').end('<!doctype html><meta charset="utf-8">');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--enable-unsafe-webgpu'] });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => console.error(message.text()));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const result = await page.evaluate(
      async ({ url, wanted }) => {
        const { openers, race } = await import(url);
        return await race(openers, { ...wanted, say: (line) => console.log(line) });
      },
      { url: '/race.mjs', wanted: what },
    );
    return { where: `Chromium ${browser.version()}`, ...result };
  } finally {
    await browser.close();
    server.close();
  }
}

async function inNode() {
  const require = createRequire(join(root, 'packages/backend-webgpu/package.json'));
  const { create, globals } = await import(pathToFileURL(require.resolve('webgpu')).href);
  Object.assign(globalThis, globals);
  globalThis.navigator ??= { userAgent: 'node' };
  // Kept for the whole process: Dawn ends it otherwise.
  globalThis.dawn = create(['disable-dawn-features=timestamp_quantization']);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: globalThis.dawn, configurable: true });
  const { openers, race } = await import(pathToFileURL(file).href);
  const result = await race(openers, { ...what, say: (line) => console.error(line) });
  return { where: `Node ${process.versions.node}, Dawn`, ...result };
}

function findChromium() {
  const usual = ['/usr/bin/chromium', '/usr/bin/google-chrome'];
  const found = process.env.CHROMIUM_PATH ?? usual.find((path) => existsSync(path));
  if (found) return found;
  throw new Error('[bench] a Chromium is required, there is none; install it or set CHROMIUM_PATH');
}
