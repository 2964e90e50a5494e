// Node's built-in modules without an import statement, so that the same file loads in browsers and bundlers.

interface NodeModules {
  'node:buffer': typeof import('node:buffer');
  'node:os': typeof import('node:os');
  'node:v8': typeof import('node:v8');
  'node:worker_threads': typeof import('node:worker_threads');
  'node:zlib': typeof import('node:zlib');
}

/** The module in Node, undefined elsewhere. */
export function nodeModule<K extends keyof NodeModules>(id: K): NodeModules[K] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } };
  return process?.getBuiltinModule?.(id) as NodeModules[K] | undefined;
}
