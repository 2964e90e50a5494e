// Runs in a child process: node child-script.mjs BUNDLE TASK TARGET KILL_AT. See child.ts.
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [, script, bundle, task, target, killAt] = process.argv;
let calls = 0;
let failAt = 0;

/** Counts calls of a function; kills the process before the one that was asked for, or lets that one fail. */
function count(owner, name) {
  const original = owner[name];
  owner[name] = async function (...args) {
    calls += 1;
    if (calls === Number(killAt)) {
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
    if (calls === failAt) {
      if (name === 'close') await original.apply(this, args);
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    }
    return original.apply(this, args);
  };
}

const handle = await fs.open(script);
for (const name of ['write', 'sync', 'close', 'chmod']) count(Object.getPrototypeOf(handle), name);
for (const name of ['open', 'mkdir', 'rename', 'rm', 'chmod', 'unlink', 'rmdir']) count(fs, name);
syncBuiltinESMExports();
const { replaceFolderAtomic, writeFileAtomic } = await import(bundle);

/** Three files that all hold the version, so that a mixture of two would show. */
async function fill(folder, version) {
  await fs.mkdir(join(folder, 'inner'));
  for (const name of ['a.txt', 'b.txt', 'inner/c.txt']) {
    await fs.writeFile(join(folder, name), `${version}\n`.repeat(20_000));
  }
}

const tasks = {
  async 'replace-folder'() {
    await replaceFolderAtomic(target, (folder) => fill(folder, 'new'));
    console.log(calls);
  },
  async 'write-file'() {
    await writeFileAtomic(target, async (sink) => {
      for (let i = 0; i < 3; i++) await sink.write(new TextEncoder().encode('new\n'.repeat(1000)));
    });
    console.log(calls);
  },
  async 'replace-forever'() {
    for (let version = 1; ; version++) {
      await replaceFolderAtomic(target, (folder) => fill(folder, version));
      await writeFileAtomic(`${target}.txt`, `${version}\n`.repeat(20_000));
      console.log(version);
    }
  },
  /** Each call fails once, each time with a new target: TARGET/1/folder, TARGET/1/file, TARGET/2/folder, … */
  async 'fail-everywhere'() {
    for (let call = 1; ; call++) {
      const parent = join(target, String(call));
      await fs.mkdir(join(parent, 'folder'), { recursive: true });
      for (const name of ['file', 'folder/a.txt']) await fs.writeFile(join(parent, name), 'old');
      const failures = {};
      for (const [name, replace] of [
        ['folder', () => replaceFolderAtomic(join(parent, 'folder'), (folder) => fill(folder, 'new'))],
        ['file', () => writeFileAtomic(join(parent, 'file'), 'new')],
      ]) {
        calls = 0;
        failAt = call;
        const error = await replace().catch((caught) => caught);
        failAt = 0;
        if (calls >= call)
          failures[name] = error === undefined ? {} : { name: error.name, message: error.message };
      }
      if (Object.keys(failures).length === 0) break;
      console.log(JSON.stringify(failures));
    }
  },
  async 'try-write'() {
    const attempts = [
      () => writeFileAtomic(join(target, 'file.txt'), 'new\n'.repeat(100_000)),
      () => replaceFolderAtomic(join(target, 'folder'), (folder) => fill(folder, 'new')),
    ];
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => ({}),
        (caught) => caught,
      );
      console.log(JSON.stringify({ name: error.name, systemCode: error.systemCode, message: error.message }));
    }
  },
};

await tasks[task]();
