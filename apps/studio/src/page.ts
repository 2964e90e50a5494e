/** The page: reads its controls, shows what a session tells. It holds no state but the points of the curve and a click. */
import { drawCurve, type Point } from './curve.ts';
import type { Choice, Session } from './session.ts';

const WRITTEN_TOKENS = 200;

/** Connects the elements of index.html under `root` to a session. Resolves when the device has opened or failed. */
export async function mountPage(root: ParentNode, session: Session): Promise<void> {
  const find = <T extends Element>(id: string): T => root.querySelector<T>(`#${id}`)!;
  const [deviceBox, steps, prompt] = [
    find<HTMLSelectElement>('device'),
    find<HTMLInputElement>('steps'),
    find<HTMLInputElement>('prompt'),
  ];
  const buttons = {
    train: find<HTMLButtonElement>('train'),
    stop: find<HTMLButtonElement>('stop'),
    forget: find<HTMLButtonElement>('forget'),
    write: find<HTMLButtonElement>('write'),
  };
  const [compiling, status, problem] = [
    find<HTMLProgressElement>('compiling'),
    find<HTMLElement>('status'),
    find<HTMLElement>('problem'),
  ];
  const [curve, caption, text] = [
    find<SVGElement>('curve'),
    find<HTMLElement>('curve-caption'),
    find<HTMLOutputElement>('text'),
  ];
  let points: Point[] = [];
  let drawing = false;
  let opening = false;
  /** Train was clicked before there was a device. */
  let clicked = false;

  const enable = (mode: 'opening' | 'ready' | 'training' | 'writing'): void => {
    opening = mode === 'opening';
    for (const name of ['forget', 'write'] as const) buttons[name].disabled = mode !== 'ready';
    buttons.train.disabled = clicked || (mode !== 'ready' && !opening);
    buttons.stop.disabled = mode !== 'training';
    deviceBox.disabled = mode !== 'ready';
  };
  const draw = (): void => {
    drawing = false;
    curve.innerHTML = drawCurve(points);
    const last = points.at(-1);
    caption.textContent = last ? `Loss ${last.loss.toFixed(3)} nats at step ${last.step}` : 'No step yet';
  };
  /** Runs one thing at a time; what goes wrong is shown, and the page goes on. */
  const during = async (
    mode: 'opening' | 'training' | 'writing',
    work: () => Promise<void>,
  ): Promise<void> => {
    problem.hidden = true;
    enable(mode);
    try {
      await work();
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
      status.textContent = 'That did not work.';
      clicked = false;
    }
    const goesOn = clicked;
    clicked = false;
    enable('ready');
    if (goesOn) void train();
  };

  const open = (): Promise<void> =>
    during('opening', async () => {
      status.textContent = 'Opening the device …';
      compiling.hidden = false;
      for await (const event of session.open(deviceBox.value as Choice)) {
        if (event.kind === 'compiling') {
          compiling.max = Math.max(1, event.total);
          compiling.value = event.done;
          status.textContent = `Compiling kernels: ${event.done} of ${event.total}`;
        } else {
          const saved = event.saved > 0 ? ` It goes on from step ${event.saved}.` : '';
          const size = (event.parameters / 1e6).toFixed(2);
          status.textContent = `Ready: ${size} M parameters on ${event.device}.${saved}`;
        }
      }
      compiling.hidden = true;
    });
  const train = (): Promise<void> =>
    during('training', async () => {
      status.textContent = 'The first step …';
      for await (const event of session.train(Number(steps.value))) {
        if (event.kind === 'lost') {
          status.textContent = `${event.message}: opening it again`;
          continue;
        }
        points = [...points.filter(({ step }) => step < event.step), event];
        const rate = Math.round(event.tokensPerSecond).toLocaleString('en');
        status.textContent = `Step ${event.step} of ${steps.value}: loss ${event.loss.toFixed(3)}, ${rate} tokens a second`;
        if (!drawing) requestAnimationFrame(draw);
        drawing = true;
      }
      status.textContent = `Saved at step ${points.at(-1)?.step ?? 0}.`;
    });

  find('training').addEventListener('submit', (event) => {
    event.preventDefault();
    clicked = opening;
    if (clicked) buttons.train.disabled = true;
    else void train();
  });
  buttons.stop.addEventListener('click', () => {
    status.textContent = 'Stopping after this step …';
    void session.stop();
  });
  buttons.forget.addEventListener('click', () => {
    void during('opening', async () => {
      await session.forget();
      points = [];
      draw();
      status.textContent = 'Forgotten: training begins at step 1.';
    });
  });
  deviceBox.addEventListener('change', () => void open());
  find('writing').addEventListener('submit', (event) => {
    event.preventDefault();
    void during('writing', async () => {
      text.value = prompt.value;
      const seed = Math.floor(Math.random() * 2 ** 31);
      for await (const piece of session.generate(prompt.value, WRITTEN_TOKENS, seed)) text.value += piece;
    });
  });
  await open();
}
