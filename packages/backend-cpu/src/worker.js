// The entry of a worker thread, in Node and in browsers: makes an instance of the kernels on the shared memory and
// stays inside it until the runtime shuts down. Plain JavaScript, so that Node 20 can start it from the sources too.

/**
 * @typedef {object} WorkerStart
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory
 * @property {number} thread 1 or more; 0 is the thread that starts the runtime
 * @property {number} stackTop each thread has its own stack in the shared memory
 */

/**
 * @param {WorkerStart} start
 * @param {(message: 'ready') => void} post
 */
function work({ module, memory, thread, stackTop }, post) {
  const kernels = /** @type {any} */ (new WebAssembly.Instance(module, { env: { memory } }).exports);
  kernels.__stack_pointer.value = stackTop;
  post('ready');
  try {
    kernels.work(thread);
  } catch (trap) {
    kernels.report_trap(thread); // wakes whoever waits for this thread
    throw trap;
  }
}

const scope = /** @type {any} */ (globalThis);
/** @type {typeof import('node:worker_threads') | undefined} */
const node = scope.process?.getBuiltinModule?.('node:worker_threads');
if (node) {
  work(node.workerData, (message) => node.parentPort?.postMessage(message));
} else {
  scope.onmessage = (/** @type {{ data: WorkerStart }} */ { data }) => {
    work(data, (message) => scope.postMessage(message));
    scope.close();
  };
}
