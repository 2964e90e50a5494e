// `npm start`: from a fresh clone to a trained model and text that it writes.
import { build, install, must, root } from './setup.mjs';

install();
build();
const cli = `${root}/apps/cli/dist/main.js`;
must(process.execPath, [cli, 'train', '--preset', 'tiny', ...process.argv.slice(2)]);
