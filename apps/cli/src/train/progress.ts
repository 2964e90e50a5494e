/** What a run prints: one live line on a terminal, plain lines elsewhere, one JSON object a line for programs. */
import type { TrainStep } from '@qsparse/training';

export type Style = 'terminal' | 'plain' | 'json';

export interface Progress {
  /** A line that stays. */
  note(line: string): void;
  step(step: TrainStep): void;
  /** Ends the live line. */
  end(): void;
}

/** Plain output prints a step at least this often, in seconds. */
const PLAIN_SECONDS = 5;

export function createProgress(style: Style, totalSteps: number): Progress {
  let live = false;
  let printed = Number.NEGATIVE_INFINITY;
  let smoothed = 0;
  const clear = () => {
    if (live) process.stdout.write('\r\x1b[2K');
    live = false;
  };
  return {
    note(line) {
      clear();
      if (style === 'json') console.error(line);
      else console.log(line);
    },
    step(step) {
      if (style === 'json') {
        console.log(JSON.stringify(step));
        return;
      }
      smoothed = smoothed === 0 ? step.tokensPerSecond : 0.9 * smoothed + 0.1 * step.tokensPerSecond;
      const tokensPerStep = step.tokens / step.step;
      const line = stepLine(
        step,
        totalSteps,
        smoothed,
        ((totalSteps - step.step) * tokensPerStep) / smoothed,
      );
      const now = performance.now() / 1000;
      const matters = step.step === 1 || step.step === totalSteps || step.validationLoss !== undefined;
      if (style === 'terminal') {
        process.stdout.write(`\r\x1b[2K${line}`);
        live = true;
        if (step.validationLoss !== undefined) this.end();
      } else if (matters || now - printed >= PLAIN_SECONDS) {
        printed = now;
        console.log(line);
      }
    },
    end() {
      if (live) process.stdout.write('\n');
      live = false;
    },
  };
}

function stepLine(step: TrainStep, total: number, tokensPerSecond: number, seconds: number): string {
  const parts = [
    `step ${String(step.step).padStart(String(total).length)}/${total}`,
    `loss ${step.loss.toFixed(3)}`,
    ...(step.validationLoss !== undefined ? [`validation ${step.validationLoss.toFixed(3)}`] : []),
    `lr ${step.learningRate.toExponential(1)}`,
    `norm ${step.gradientNorm.toFixed(2)}`,
    `${Math.round(tokensPerSecond).toLocaleString('en')} tokens/s`,
    ...(step.sparsity !== undefined ? [`sparsity ${Math.round(100 * step.sparsity)} %`] : []),
    `${duration(seconds)} left`,
  ];
  return parts.join('  ');
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
