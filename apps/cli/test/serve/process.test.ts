/** `qsparse serve` as a real process. It runs what is built, and builds it first. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveChatModel } from '../chat/chat-model.ts';
import { temporaryFolder } from '../run-cli.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const folder = temporaryFolder();
const model = join(folder.path, 'tiny');
let child: ChildProcess | undefined;
beforeAll(async () => {
  const tsc = join(root, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-b', 'apps/cli'], { cwd: root, shell: process.platform === 'win32' });
  await saveChatModel(model);
}, 60_000);
afterAll(() => {
  child?.kill('SIGKILL');
  folder.remove();
});

test.skipIf(process.platform === 'win32')(
  'the first signal waits for a request, the second one does not',
  async () => {
    const main = join(root, 'apps/cli/dist/main.js');
    const argv = [main, 'serve', model, '--device', 'reference', '--port', '0', '--json'];
    child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => child!.once('close', (code, signal) => resolve({ code, signal })));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const { url } = JSON.parse((await lines.next()).value) as { url: string };
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'tiny' }] });
    // A request whose body is still to come.
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    const head = 'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json';
    socket.write(`${head}\r\nContent-Length: 99\r\nExpect: 100-continue\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    child.kill('SIGINT');
    const said = await new Promise((resolve) => child!.stderr!.once('data', resolve));
    expect(String(said)).toBe('stopping when running answers have ended; once more ends them now\n');
    expect(child.exitCode).toBeNull();
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: 130, signal: null });
    await gone;
  },
);
