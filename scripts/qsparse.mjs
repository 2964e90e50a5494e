// `pnpm qsparse …`: the command line from the working tree, built first where it is stale.
import { build, install, root, run } from './setup.mjs';

install();
build();
process.exit(run(process.execPath, [`${root}/apps/cli/dist/main.js`, ...process.argv.slice(2)]));
