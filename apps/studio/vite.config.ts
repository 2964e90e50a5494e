import { defaultClientConditions, defineConfig } from 'vite';

/** What a page must send to share memory with the processor's threads. */
const headers = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

export default defineConfig({
  resolve: { conditions: ['@qsparse/source', ...defaultClientConditions] },
  server: { headers },
  preview: { headers },
  worker: { format: 'es' },
});
