/** The page in a real browser: trains through WebGPU in its worker, writes, and goes on after a reload or a lost GPU. */
import { type WebGpuDevice, webgpuDevice } from '@qsparse/backend-webgpu';
import { afterEach, beforeAll, expect, test } from 'vitest';
import html from '../../index.html?raw';
import { autosave } from '../../src/autosave.ts';
import { type RemoteSession, startSession } from '../../src/client.ts';
import { CONFIG, prepareCorpus } from '../../src/model.ts';
import { mountPage } from '../../src/page.ts';
import { createSession, type TrainEvent } from '../../src/session.ts';

/** The click to the first loss, on a software GPU. */
const MOST_MILLISECONDS = 3000;
const sessions: RemoteSession[] = [];

function showPage(): Promise<void> {
  document.body.innerHTML = /<main>[\s\S]*<\/main>/.exec(html)![0];
  element<HTMLSelectElement>('device').value = 'webgpu';
  const session = startSession();
  sessions.push(session);
  return mountPage(document, session);
}
const element = <T extends HTMLElement>(id: string): T => document.querySelector<T>(`#${id}`)!;
const status = (): string => element('status').textContent ?? '';
async function until(what: () => boolean, why: string): Promise<void> {
  const start = performance.now();
  while (!what()) {
    if (performance.now() - start > 30_000)
      throw new Error(`${why} did not happen; the page says: ${status()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

beforeAll(async () => {
  await autosave('qsparse-studio').clear();
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.terminate();
});

test('trains, stops, writes; another page goes on from there', async () => {
  await showPage();
  expect(status()).toMatch(/^Ready: 0\.\d+ M parameters on /);
  const clicked = performance.now();
  element('train').click();
  await until(() => status().startsWith('Step 1 '), 'the first loss');
  expect(performance.now() - clicked).toBeLessThan(MOST_MILLISECONDS);
  await until(() => /^Step [4-9] /.test(status()), 'the fourth step');
  expect(element('curve').innerHTML).toContain('<path');
  element('stop').click();
  await until(() => status().startsWith('Saved at step '), 'the end');
  const saved = Number(/\d+/.exec(status())![0]);
  element('writing').dispatchEvent(new SubmitEvent('submit', { cancelable: true }));
  await until(() => element<HTMLOutputElement>('text').value.length > 10, 'a text');
  expect(element<HTMLOutputElement>('text').value.startsWith('Mary ')).toBe(true);
  // A page that is closed, not ended.
  sessions.pop()!.terminate();
  await showPage();
  expect(status()).toContain(`It goes on from step ${saved}.`);
  element('train').click();
  await until(() => status().startsWith(`Step ${saved + 1} `), 'the next step');
});

test('a click on a page that still opens its device trains as soon as there is one', async () => {
  const clicked = performance.now();
  const opened = showPage();
  element('train').click();
  expect(element<HTMLButtonElement>('train').disabled).toBe(true);
  await opened;
  await until(() => /^Step \d+ of /.test(status()), 'the first loss');
  console.log(
    `[studio] ${Math.round(performance.now() - clicked)} ms from a click on a new page to its first loss`,
  );
  element('stop').click();
  await until(() => status().startsWith('Saved at step '), 'the end');
});

test('a lost GPU: opened again, and training goes on from the autosave', async () => {
  const store = autosave('qsparse-studio-test');
  await store.clear();
  let gpu: WebGpuDevice | undefined;
  const corpus = prepareCorpus('The garden was a secret. Nobody knew the way in but the robin. '.repeat(40));
  const session = createSession({
    openDevice: async () => {
      gpu = await webgpuDevice();
      return gpu;
    },
    corpus: () => corpus,
    config: {
      ...CONFIG,
      layers: 1,
      hiddenSize: 32,
      intermediateSize: 32,
      heads: 1,
      keyValueHeads: 1,
      contextLength: 32,
    },
    store,
    saveEvery: 2,
  });
  const events: TrainEvent[] = [];
  for await (const event of session.train(6)) {
    events.push(event);
    if (events.length === 3) gpu!.gpu.destroy();
  }
  expect(events.map((event) => (event.kind === 'step' ? event.step : event.kind))).toEqual([
    ...[1, 2, 3, 'lost', 3, 4, 5, 6],
  ]);
  await session.close();
  await store.clear();
});
