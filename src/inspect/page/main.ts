import { number } from '../../report/numbers.js';
import { palette } from '../../report/page-style.js';
import { PATHS, type Setup } from '../setup.js';
import { Words } from './access-words.js';
import { CountersPanel } from './counters-panel.js';
import { byId, setAttribute, setText } from './element.js';
import { FunctionPanel } from './function-panel.js';
import { HeatPanel } from './heat-panel.js';
import { LogPanel } from './log-panel.js';
import { PageMachine } from './page-machine.js';
import { SerialConsole } from './serial-console.js';

/** Milliseconds between two drawings of what changes with each access. */
const PERIOD = 200;

const colours = new CSSStyleSheet();
colours.replaceSync(palette);
document.adoptedStyleSheets.push(colours);

const said = byId('said', HTMLElement);
const tell = (text: string): void => setText(said, text);

async function start(): Promise<void> {
  const setup: Setup = await (await fetch(PATHS.setup)).json();
  let machine: PageMachine | undefined;
  const send = setup.guest === 'linux' ? (text: string) => machine?.type(text) : undefined;
  const serial = new SerialConsole(byId('console', HTMLElement), send);
  byId('console-note', HTMLElement).hidden = setup.guest !== 'linux';
  setText(byId('guest', HTMLElement), setup.guest === 'linux' ? 'Linux' : 'bare-metal guest');
  machine = await PageMachine.load(setup, (byte) => serial.write(byte));
  // For the browser's console, and for tests.
  Object.assign(globalThis, { inspector: { machine, serial } });
  show(machine, serial);
}

function show(machine: PageMachine, serial: SerialConsole): void {
  const { watch } = machine;
  const words = new Words((epoch) => watch.inventory(epoch));
  const functions = machine.functions.map((fn) => new FunctionPanel(machine, fn, tell));
  byId('functions', HTMLElement).append(...functions.map(({ section }) => section));
  const heat = new HeatPanel(byId('maps', HTMLElement), watch);
  const counters = new CountersPanel(byId('counters', HTMLElement), machine);
  const log = new LogPanel(watch, words);

  const run = byId('run', HTMLButtonElement);
  run.addEventListener('click', () => (machine.isRunning ? machine.pause() : machine.run()));
  byId('reset', HTMLButtonElement).addEventListener('click', async () => {
    await machine.reset();
    words.clear();
    serial.clear();
    tell('the machine was reset');
  });
  byId('save', HTMLButtonElement).addEventListener('click', async () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([await machine.save()]));
    link.download = 'trapline.state';
    link.click();
    URL.revokeObjectURL(link.href);
    tell('saved, for trapline inspect --state');
  });
  const watching = byId('watch', HTMLInputElement);
  watching.addEventListener('change', () => {
    watch.on = watching.checked;
  });

  let instructions = machine.instructions;
  const speed = byId('speed', HTMLElement);
  setInterval(() => {
    counters.tick();
    const now = machine.instructions;
    setText(speed, `${number((now - instructions) >>> 0)} instructions a second`);
    instructions = now;
  }, 1000);

  let last = 0;
  const draw = (time: number): void => {
    requestAnimationFrame(draw);
    if (time - last < PERIOD) return;
    last = time;
    setText(run, machine.isRunning ? 'Pause' : 'Run');
    setAttribute(run, 'title', machine.isRunning ? 'Stops the guest' : 'Lets the guest go on');
    for (const panel of functions) panel.draw();
    heat.draw();
    counters.draw();
    log.draw();
  };
  requestAnimationFrame(draw);
  for (const button of document.querySelectorAll<HTMLButtonElement>('header button')) button.disabled = false;
}

start().catch((error: unknown) => {
  tell(`the guest cannot be started: ${error instanceof Error ? error.message : String(error)}`);
  throw error;
});
