/** Stands for the browser tests where they cannot run, so that the count of tests shows them as skipped. */
import { test } from 'vitest';

test.skip('conformance in Chromium: there is none; install it or set CHROMIUM_PATH', () => {});
