/** The entry of the page. */
import { startSession } from './client.ts';
import { mountPage } from './page.ts';

await mountPage(document, startSession());
