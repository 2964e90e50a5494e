/** What a run prints: one live line on a terminal, plain lines elsewhere, one JSON object a line for programs. */
import type { StepEntry } from '@qsparse/training';
import type { Output } from '../output.ts';

export interface Progress {
  /** Characters that a line may have. */
  readonly columns: number;
  /** A fact: lines for people, an object `{ event, … }` for programs. */
  report(event: string, data: object, ...lines: readonly string[]): void;
  /** A line for people alone. */
  note(line: string): void;
  step(step: StepEntry): void;
  /** The number of steps, where the data decides it. */
  expect(totalSteps: number): void;
  /** Ends the live line. */
  end(): void;
}

export interface ProgressOptions {
  readonly json: boolean;
  readonly totalSteps: number;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/** Plain output prints a step at least this often. */
const PLAIN_MILLISECONDS = 5000;

export function createProgress(
  output: Output,
  { json, totalSteps, now = () => performance.now() }: ProgressOptions,
): Progress {
  return json ? jsonProgress(output) : textProgress(output, totalSteps, now);
}

/** Standard output holds nothing but objects. */
function jsonProgress(output: Output): Progress {
  return {
    columns: output.columns,
    report: (event, data) => output.line(JSON.stringify({ event, ...data })),
    note: (line) => output.error(line),
    step: (step) => output.line(JSON.stringify({ event: 'step', ...step })),
    expect: () => {},
    end: () => {},
  };
}

function textProgress(output: Output, planned: number, now: () => number): Progress {
  let totalSteps = planned;
  const speed = smoothed();
  let isLive = false;
  let printed = Number.NEGATIVE_INFINITY;
  const end = () => {
    if (isLive) output.write('\n');
    isLive = false;
  };
  const print = (lines: readonly string[]) => {
    if (isLive) output.write('\r\x1b[2K');
    isLive = false;
    for (const line of lines) output.line(line);
  };
  return {
    columns: output.columns,
    report: (_event, _data, ...lines) => print(lines),
    note: (line) => print([line]),
    end,
    expect(steps) {
      totalSteps = steps;
    },
    step(step) {
      const line = stepLine(step, totalSteps, speed(step.tokensPerSecond));
      const matters = step.step === 1 || step.step === totalSteps || step.validationLoss !== undefined;
      if (!output.isTerminal) {
        if (!matters && now() - printed < PLAIN_MILLISECONDS) return;
        printed = now();
        output.line(line);
        return;
      }
      // A line that wraps cannot be erased.
      output.write(`\r\x1b[2K${line.slice(0, Math.max(20, output.columns - 1))}`);
      isLive = true;
      if (step.validationLoss !== undefined) end();
    },
  };
}

/** A running mean that forgets, so that one slow step does not move the estimate. */
function smoothed(): (value: number) => number {
  let mean: number | undefined;
  return (value) => {
    mean = mean === undefined ? value : 0.9 * mean + 0.1 * value;
    return mean;
  };
}

function stepLine(step: StepEntry, total: number, tokensPerSecond: number): string {
  const tokensLeft = (total - step.step) * (step.tokens / step.step);
  // What matters most comes first: a narrow terminal cuts the end.
  const parts = [
    `step ${String(step.step).padStart(String(total).length)}/${total}`,
    `loss ${step.loss.toFixed(3)}`,
    ...(step.validationLoss === undefined ? [] : [`validation ${step.validationLoss.toFixed(3)}`]),
    `lr ${step.learningRate.toExponential(1)}`,
    `${Math.round(tokensPerSecond).toLocaleString('en')} tokens/s`,
    ...(step.mfu === undefined
      ? []
      : [`MFU ${((100 * step.mfu * tokensPerSecond) / step.tokensPerSecond).toFixed(1)} %`]),
    `${duration(tokensLeft / tokensPerSecond)} left`,
    `norm ${step.gradientNorm.toFixed(2)}`,
    ...(step.sparsity === undefined ? [] : [`sparsity ${Math.round(100 * step.sparsity)} %`]),
  ];
  return parts.join('  ');
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
