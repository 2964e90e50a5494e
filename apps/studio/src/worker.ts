/** The session in a worker: the page stays responsive while it works. */
import { device } from 'qsparse';
import { type Port, serve } from 'qsparse/worker';
import { autosave } from './autosave.ts';
import { CONFIG, prepareCorpus } from './model.ts';
import { createSession } from './session.ts';

const loadText = async (): Promise<string> => {
  const response = await fetch(new URL('../data/secret-garden.txt', import.meta.url));
  if (!response.ok) throw new Error(`[studio] the text could not be loaded: ${response.status}`);
  return response.text();
};

const session = createSession({
  openDevice: (choice) => device(choice),
  corpus: async () => prepareCorpus(await loadText()),
  config: CONFIG,
  store: autosave('qsparse-studio'),
});
serve(session, globalThis as unknown as Port);
