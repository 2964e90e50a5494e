// Lines of `qsparse bench decode --json` from stdin as a short table: what run.sh shows of them.
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const { shape, weights, rows, headMilliseconds } = JSON.parse(line);
  console.log(`${shape} ${weights}: head ${headMilliseconds.toFixed(3)} ms`);
  for (const { form, sparsity, milliseconds, low, high, step, roofShare } of rows) {
    const device = step
      ? `, step ${step.milliseconds.toFixed(3)} ms on the device, ${step.launches} launches, ${(100 * roofShare).toFixed(0)} % of a copy`
      : '';
    const spread = `${low.toFixed(3)} to ${high.toFixed(3)}`;
    console.log(`  ${form} ${100 * sparsity} %: ${milliseconds.toFixed(3)} ms a token (${spread})${device}`);
    const kernels = step?.kernels.slice(0, 11) ?? [];
    if (kernels.length === 0) continue;
    const shown = kernels.map(
      ({ name, launches, microseconds }) => `${name} ${launches}x${(microseconds / launches).toFixed(2)}`,
    );
    console.log(`    us: ${shown.join(', ')}`);
  }
}
