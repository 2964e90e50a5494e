/**
 * `pnpm bench decode-peers`: tokens a second, prompts and memory of the engines that people use, and ours beside them.
 *
 *   --shapes 214M,2B4T     --only node-llama-cpp,qsparse (also qsparse-chromium, none)     --threads 1,2
 *   --out FILE             adds to what the file has, so that engines may run at different times of one quiet hour
 *   --models FOLDER        where models are kept (default: node_modules/.cache/decode-models)
 */
import { availableParallelism, cpus } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DECODE_ENGINES, OURS } from './engines.ts';
import { type Measurement, merged, readMeasurements, writeMeasurements } from './measurement.ts';
import { modelFile } from './models.ts';
import { decodeReport } from './report.ts';
import { runEngine, runOurs, runOursInChromium } from './run-engine.ts';
import { PEER_SHAPES, type PeerShapeName } from './shapes.ts';

const IN_CHROMIUM = `${OURS}-chromium`;
const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/decode-models', import.meta.url));

export async function decodePeers(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      shapes: { type: 'string', default: '214M,2B4T' },
      only: { type: 'string' },
      threads: { type: 'string', default: '1,2' },
      out: { type: 'string' },
      models: { type: 'string', default: CACHE },
      json: { type: 'boolean' },
    },
  });
  const shapes = listOf('shapes', values.shapes, Object.keys(PEER_SHAPES)) as PeerShapeName[];
  const names = [...new Set(DECODE_ENGINES.map(({ name }) => name)), OURS, IN_CHROMIUM];
  const only = values.only === undefined ? names : listOf('only', values.only, [...names, 'none']);
  const threads = values.threads.split(',').map(Number);
  const out = values.out === undefined ? undefined : resolve(values.out);
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.versions.node}`;
  let measurements = readMeasurements(out);
  const add = async (what: string, run: () => Promise<readonly Measurement[]>): Promise<void> => {
    console.error(`[bench] ${what}`);
    try {
      measurements = merged(measurements, await run());
      if (out) await writeMeasurements(out, { machine, measurements });
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      console.error(`[bench] ${what} could not be run: ${reason}`);
    }
  };
  for (const shape of shapes) {
    for (const engine of DECODE_ENGINES.filter(({ name }) => only.includes(name))) {
      if (!engine.shapes.includes(shape)) continue;
      for (const count of engine.threads.filter((one) => threads.includes(one)))
        await add(`${engine.name} ${engine.weights}, ${shape}, ${count} threads`, async () => {
          const model = await modelFile(resolve(values.models), shape, engine.form);
          return [runEngine(engine, { model, shape, threads: count })];
        });
    }
    for (const count of only.includes(OURS) ? threads : [])
      await add(`${OURS}, ${shape}, ${count} threads`, async () => runOurs(shape, count));
    if (only.includes(IN_CHROMIUM) && shape !== '2B4T')
      await add(`${OURS} in Chromium, ${shape}`, async () => runOursInChromium(shape, Math.max(...threads)));
  }
  console.log(values.json ? JSON.stringify({ machine, measurements }) : decodeReport(measurements, machine));
}

/** Ends the process for a name that is not known. */
function listOf(option: string, text: string, known: readonly string[]): readonly string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  console.error(`[bench] --${option} takes ${known.join(', ')}, got ${JSON.stringify(unknown)}`);
  process.exit(2);
}
