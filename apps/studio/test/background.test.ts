/**
 * The page in a tab that nobody looks at, that the browser freezes, or that is closed without a word: in Chromium, as a
 * person would have it, which the page itself cannot do.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const isSkipped = !existsSync(executablePath) || process.env.QSPARSE_TARGET === 'dist';
/** Steps between two autosaves of the page. */
const SAVE_EVERY = 25;
const root = fileURLToPath(new URL('..', import.meta.url));

let server: ViteDevServer;
let browser: Browser;
let cacheDir: string;
beforeAll(async () => {
  if (isSkipped) return;
  cacheDir = await mkdtemp(`${tmpdir()}/qsparse-studio-`);
  const configFile = `${root}/vite.config.ts`;
  server = await createServer({
    root,
    configFile,
    cacheDir,
    logLevel: 'error',
    server: { port: 0, hmr: false },
  });
  await server.listen();
  browser = await chromium.launch({ executablePath, args: ['--enable-unsafe-webgpu'] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
  if (cacheDir) await rm(cacheDir, { recursive: true });
});

/** The page in a tab of its own, that takes WebGPU. */
async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  const url = `http://localhost:${(server.httpServer!.address() as AddressInfo).port}/`;
  await page.route(url, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('value="webgpu"', 'value="webgpu" selected');
    await route.fulfill({ response, body });
  });
  await page.goto(url);
  return page;
}
const statusOf = async (page: Page): Promise<string> => (await page.textContent('#status')) ?? '';
const stepOf = async (page: Page): Promise<number> =>
  Number(/^Step (\d+) /.exec(await statusOf(page))?.[1] ?? 0);
const reached = (page: Page, step: number): Promise<number> =>
  expect
    .poll(() => stepOf(page), { timeout: 60_000, interval: 50 })
    .toBeGreaterThanOrEqual(step)
    .then(() => stepOf(page));

test.skipIf(isSkipped)(
  'trains in a tab behind another one, goes on after a freeze, and loses at most what came after the last autosave',
  { timeout: 180_000 },
  async () => {
    const context = await browser.newContext();
    const page = await openPage(context);
    const start = performance.now();
    await page.click('#train');
    const first = await reached(page, 1);
    const elapsed = Math.round(performance.now() - start);
    console.log(`[studio] first loss ${elapsed} ms after the click on a page just opened`);
    expect(elapsed).toBeLessThan(30_000);

    const browserSide = await context.newCDPSession(page);
    const other = await context.newPage();
    await other.bringToFront();
    const behind = await reached(page, first + 3);

    // Playwright tells every page that it is visible; a freeze is the most that a browser does to one that is hidden.
    await browserSide.send('Page.setWebLifecycleState', { state: 'frozen' });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await browserSide.send('Page.setWebLifecycleState', { state: 'active' });
    await reached(page, behind + 3);

    const last = await reached(page, SAVE_EVERY + 2);
    await page.close();
    const next = await openPage(context);
    await expect.poll(() => statusOf(next), { timeout: 60_000 }).toContain('It goes on from step ');
    const saved = Number(/from step (\d+)/.exec(await statusOf(next))![1]);
    expect(saved).toBeGreaterThanOrEqual(SAVE_EVERY);
    expect(last - saved).toBeLessThanOrEqual(SAVE_EVERY);
    await next.click('#train');
    await expect.poll(() => stepOf(next), { timeout: 60_000, interval: 20 }).toBeGreaterThan(saved);
    await context.close();
  },
);
