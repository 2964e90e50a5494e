// Puts a software GPU (lavapipe of Mesa 25) into .software-gpu of this package, for tests on machines without a GPU.
// Debian 12's own Mesa is too old for Dawn, its backports have one. System packages stay as they are. Exits with 2 where
// it cannot: tests then use the SwiftShader of Chromium, or are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../.software-gpu', import.meta.url));
const apt = `${folder}/apt`;
const library = `${folder}/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so`;
const manifest = `${folder}/lavapipe.json`;
const SUITE = 'bookworm-backports';

if (existsSync(manifest)) done('is there');
if (process.platform !== 'linux' || process.arch !== 'x64') give('only for Linux on x64');
if (run('apt-get', ['--version']).status !== 0) give('there is no apt-get');

// The mirror that this machine's own sources name.
const sites = run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']).stdout.split(
  '\n',
);
const site = sites.find((line) => /\/debian\/?$/.test(line));
if (!site) give('its sources name no Debian mirror');
for (const part of ['lists/partial', 'cache/archives/partial', 'etc'])
  mkdirSync(`${apt}/${part}`, { recursive: true });
writeFileSync(
  `${apt}/etc/backports.sources`,
  `Types: deb\nURIs: ${site}\nSuites: ${SUITE}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
);
const own = [
  ...['-o', 'Dir::Etc::SourceList=/dev/null', '-o', `Dir::Etc::SourceParts=${apt}/etc`],
  ...['-o', `Dir::State::Lists=${apt}/lists`, '-o', `Dir::Cache=${apt}/cache`],
  ...['-o', 'APT::Sandbox::User=root', '-qq'],
];
must('apt-get', [...own, 'update']);
must('apt-get', [...own, 'download', `mesa-vulkan-drivers/${SUITE}`]);
const file = readdirSync(apt).find((name) => /^mesa-vulkan-drivers_.*\.deb$/.test(name));
if (!file) give('apt-get downloaded nothing');
must('dpkg', ['-x', `${apt}/${file}`, folder]);
rmSync(apt, { recursive: true });
const missing = run('ldd', [library]).stdout.match(/^\s*(\S+) => not found/m)?.[1];
if (missing) give(`${missing} is missing; apt-get install mesa-vulkan-drivers brings what it needs`);
const icd = { library_path: library, api_version: '1.3.0' };
writeFileSync(manifest, JSON.stringify({ file_format_version: '1.0.1', ICD: icd }));
done('installed');

function run(command, args) {
  return spawnSync(command, args, { cwd: existsSync(apt) ? apt : undefined, encoding: 'utf8' });
}

function must(command, args) {
  const { status, stderr } = run(command, args);
  if (status !== 0) give(`${command} failed: ${stderr?.trim().split('\n').at(-1)}`);
}

function done(what) {
  console.log(`[software-gpu] lavapipe ${what}: ${manifest}`);
  process.exit(0);
}

function give(why) {
  rmSync(folder, { recursive: true, force: true });
  console.log(`[software-gpu] no lavapipe: ${why}`);
  process.exit(2);
}
