// `npm start`: from a fresh clone to a trained model and text that it writes. Options are those of `qsparse train`.
import { qsparse } from './setup.mjs';

await qsparse(['train', '--preset', 'tiny', ...process.argv.slice(2)]);
