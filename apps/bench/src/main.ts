/**
 * `pnpm bench [what…] [--json]`: speed beside the libraries that people would otherwise use, in one run on one machine.
 *
 *   gemm      f32 products, forward and both gradient shapes      mlp    one training step of a small network
 *   region    what handing work to the threads costs              step   a decoder's training step, kernel by kernel
 *   peers     jax-js, TensorFlow.js wasm, onnxruntime-node (installs them on the first run)
 *
 * `pnpm bench decode-peers` is a command of its own: decode-peers/command.ts; so is `pnpm bench webgpu-peers`:
 * ../peers/webgpu/run.mjs.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { decodePeers } from './decode-peers/command.ts';
import { DECODER_VARIANTS, type DecoderStep, timeDecoderStep } from './decoder-step.ts';
import { timeProducts } from './gemm.ts';
import { MLP_STEP_FLOPS, timeMlpStep } from './mlp-step.ts';
import { PEERS, type PeerResult, runPeer } from './peers.ts';
import { type BenchResult, summary } from './summary.ts';

const KNOWN = ['gemm', 'region', 'mlp', 'step', 'peers'];

if (process.argv[2] === 'decode-peers') {
  await decodePeers(process.argv.slice(3));
  process.exit();
}
if (process.argv[2] === 'webgpu-peers') {
  const script = fileURLToPath(new URL('../peers/webgpu/run.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...process.argv.slice(3)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
for (const name of wanted) {
  if (KNOWN.includes(name)) continue;
  console.error(`[bench] there is no benchmark "${name}"; choose among ${KNOWN.join(', ')}`);
  process.exit(2);
}
const asked = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

const threadCounts = availableParallelism() > 1 ? [1, 2] : [1];
const result: BenchResult = {
  date: new Date().toISOString().slice(0, 10),
  node: process.versions.node,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  ...(asked('gemm') || asked('region') ? await timeProducts(threadCounts) : {}),
  ...(asked('mlp') ? { mlp: await mlpRows() } : {}),
  ...(asked('peers') ? { peers: peerRows() } : {}),
  ...(asked('step') ? { steps: await stepRows() } : {}),
};
console.log(process.argv.includes('--json') ? JSON.stringify(result) : summary(result));

async function mlpRows(): Promise<NonNullable<BenchResult['mlp']>> {
  const rows = [];
  for (const threads of threadCounts) {
    const { best, median } = await timeMlpStep(threads);
    rows.push({ threads, best: MLP_STEP_FLOPS / best / 1e9, median: MLP_STEP_FLOPS / median / 1e9 });
  }
  return rows;
}

function peerRows(): PeerResult[] {
  const rows: PeerResult[] = [];
  for (const name of Object.keys(PEERS)) {
    try {
      rows.push(runPeer(name));
    } catch (error) {
      console.error(
        `[bench] ${name} could not be run: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      );
    }
  }
  return rows;
}

async function stepRows(): Promise<DecoderStep[]> {
  const rows: DecoderStep[] = [];
  for (const name of Object.keys(DECODER_VARIANTS))
    for (const threads of threadCounts) rows.push(await timeDecoderStep(name, threads));
  return rows;
}
