/** How large the gradients of single parameters are: whether they vanish on their way down. Costs nothing until it is asked. */
import { globalNorm, type ParamArena, scope } from '@qsparse/core';

/**
 * L2 norms of the gradients that the last step left, before clipping, by parameter name; those of `params` alone, or all. Between
 * two steps of `train`, at its `yield`, they are those of the step that is reported.
 */
export async function gradientNorms(
  { params }: ParamArena,
  names: Iterable<string> = params.keys(),
): Promise<ReadonlyMap<string, number>> {
  const reads = [...names].map((name) => {
    const norm = scope(() => globalNorm(params.get(name)!.grad));
    const value = norm.item();
    norm.dispose(); // its read is queued already
    return value.then((number) => [name, number] as const);
  });
  return new Map(await Promise.all(reads));
}
