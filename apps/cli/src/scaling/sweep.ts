/** The runs of a sweep, one after the other. Every finished one is in sweep.csv; the same command again does the rest. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileErrors } from '@qsparse/formats/node';
import type { Interrupt } from '../interrupt.ts';
import type { Output } from '../output.ts';
import { takeLock } from '../train/run-lock.ts';
import { percent } from './fit-report.ts';
import { short } from './optimum-report.ts';
import { runCell } from './sweep-run.ts';
import { openSweepTable, type SweepRow } from './sweep-table.ts';
import type { Sweep } from './sweep-yaml.ts';

export interface SweepOptions {
  readonly folder: string;
  readonly deviceArguments: readonly string[];
  readonly json: boolean;
  readonly output: Output;
  readonly interrupt: Interrupt;
}

/** The exit code: that of the signal where one came, 1 where a run failed; the others are trained all the same. */
export async function runSweep(sweep: Sweep, options: SweepOptions): Promise<number> {
  const { folder, json, output, interrupt } = options;
  await withFileErrors('scaling', folder, () => mkdir(folder, { recursive: true }));
  const release = await takeLock(folder);
  const print = printer(output, json);
  try {
    const file = join(folder, 'sweep.csv');
    const table = await openSweepTable(file);
    const waiting = sweep.cells.filter(({ id }) => !table.runs.has(id));
    const known = sweep.cells.length - waiting.length;
    print.line(
      'sweep',
      { folder, runs: sweep.cells.length, finished: known },
      `${sweep.cells.length} runs, ${known} of them finished, in ${folder}`,
    );
    const failed: string[] = [];
    for (const [i, cell] of waiting.entries()) {
      const name = `${known + i + 1}/${sweep.cells.length} ${cell.id}`;
      let row: SweepRow | undefined;
      try {
        row = await runCell(cell, {
          ...options,
          sweep,
          onStep: (step, loss) => print.live(`${name}  step ${step}  loss ${loss.toFixed(3)}`),
        });
      } catch (error) {
        if (interrupt.exitCode !== undefined) return stopped(interrupt, print, folder);
        failed.push(cell.id);
        const reason = error instanceof Error ? error.message : String(error);
        print.line('failed', { run: cell.id, error: reason }, `${name}  failed: ${reason}`);
        continue;
      }
      if (row) {
        await table.add(row);
        print.line('row', row, `${name}  ${rowInWords(row)}`);
      }
      if (interrupt.exitCode !== undefined || !row) return stopped(interrupt, print, folder);
    }
    const { size } = table.runs;
    print.line(
      'done',
      { file, rows: size, failed },
      `${size} rows in ${file}${failed.length > 0 ? `; ${failed.length} runs failed: ${failed.join(', ')}` : ''}`,
    );
    return failed.length > 0 ? 1 : 0;
  } finally {
    print.end();
    output.onGone = undefined;
    release();
  }
}

function stopped({ exitCode = 1 }: Interrupt, print: Printer, folder: string): number {
  print.line(
    'stopped',
    { folder },
    `stopped; what is finished is kept, the same command goes on with the rest`,
  );
  return exitCode;
}

function rowInWords({ parameters, sparsity, loss, bits_per_byte: bits, seconds }: SweepRow): string {
  return [
    `N ${short(Number(parameters))}`,
    `S ${percent(Number(sparsity))}`,
    `loss ${Number(loss).toFixed(4)}`,
    ...(bits === '' ? [] : [`${Number(bits).toFixed(4)} bits a byte`]),
    `${seconds} s`,
  ].join('  ');
}

interface Printer {
  line(event: string, data: object, text: string): void;
  /** A line that the next one takes the place of; terminals alone. */
  live(text: string): void;
  end(): void;
}

function printer(output: Output, json: boolean): Printer {
  let isLive = false;
  const end = (): void => {
    if (isLive) output.write('\r\x1b[2K');
    isLive = false;
  };
  return {
    end,
    line(event, data, text) {
      end();
      output.line(json ? JSON.stringify({ event, ...data }) : text);
    },
    live(text) {
      if (json || !output.isTerminal) return;
      output.write(`\r\x1b[2K${text.slice(0, Math.max(20, output.columns - 1))}`);
      isLive = true;
    },
  };
}
