/** `qsparse doctor`: what works on this machine, what does not, and what that costs. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { BACKENDS, type DeviceName, device } from 'qsparse';
import type { Command } from '../command.ts';

export const command: Command = {
  name: 'doctor',
  usage: '[--json]',
  summary: 'Shows the machine, the devices that work here, and why others do not.',
  positionals: 0,
  options: {},
  async run({ flags }) {
    const devices = [];
    for (const { name, what } of BACKENDS) devices.push({ name, what, ...(await probe(name)) });
    const machine = {
      node: process.versions.node,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      freeMemory: freemem(),
    };
    if (flags.json) console.log(JSON.stringify({ machine, devices }));
    else {
      const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
      console.log(
        `Node ${machine.node}; ${machine.processor}, ${machine.cores} cores; ${gibibytes(machine.freeMemory)} of ${gibibytes(machine.memory)} free`,
      );
      for (const { name, what, works, detail } of devices)
        console.log(`${works ? 'works ' : 'absent'}  ${name.padEnd(10)} ${what}: ${detail}`);
    }
    return devices.some(({ works }) => works) ? 0 : 1;
  },
};

async function probe(name: DeviceName): Promise<{ works: boolean; detail: string }> {
  try {
    const opened = await device(name);
    const detail = opened.description;
    opened.dispose();
    return { works: true, detail };
  } catch (error) {
    return { works: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
