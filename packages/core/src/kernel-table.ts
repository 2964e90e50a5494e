/**
 * The type of a backend's table of kernels, by the names under which a module exports its ops (`matmulOp`): a primitive
 * without an entry does not compile; a fused op may be left out, since it runs its composite then.
 */
type OpName<Module> = keyof Module & `${string}Op`;
type FusedName<Module> = {
  [K in OpName<Module>]: Module[K] extends { composite(...args: never): unknown } ? K : never;
}[OpName<Module>];

/** `Module` is `typeof import('@qsparse/core')` or another that exports ops, `Kernel` what the backend keeps for one. */
export type KernelTable<Module, Kernel> = Readonly<
  Record<Exclude<OpName<Module>, FusedName<Module>>, Kernel> & Partial<Record<FusedName<Module>, Kernel>>
>;
