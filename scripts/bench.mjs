// `npm run bench`: measures the working tree and prints the tables of docs/performance.md. Arguments go to apps/bench.
import { build, install } from './setup.mjs';

install();
build();
await import('../apps/bench/dist/main.js');
