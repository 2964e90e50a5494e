/** The whole conformance suite in a browser: two threads where the page may share memory, one elsewhere. */
import { cpuDevice } from '@qsparse/backend-cpu';
import { conformance } from '@qsparse/conformance';

conformance(() => cpuDevice({ threads: globalThis.crossOriginIsolated ? 2 : 1 }));
