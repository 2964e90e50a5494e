// `pnpm qsparse …` or `npm run qsparse -- …`: the command line from the working tree, built first where it is stale.
import { qsparse } from './setup.mjs';

await qsparse(process.argv.slice(2));
