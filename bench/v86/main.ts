import { createDispatcher, type Dispatcher, type Message, PAGE_SIZE, type PageHandler } from 'trapline';
import { attachV86 } from 'trapline/v86';
import { median, quantile } from '../median.js';
import { instantiate } from '../wasm.js';
import { type Loop, LoopMachine, v86Wasm, type WasmFn } from './machine.js';

const BAR = 0xfe00_0000;
const BLOCK = 0x2_0000;
/** Of the entry that sends, and of one that is masked, for the loops. */
const SENDING = BAR;
const TABLE = BAR + 15 * 16;
const ADJACENT = BAR + 0x800;
/** Pages of the device: in linear memory, of memory elsewhere, and behind a handler. */
const MEMORY = BAR + PAGE_SIZE;
const HANDLER = BAR + 2 * PAGE_SIZE;
const RAM = 0x20_0000;
const VECTOR = 0x51;

/** Milliseconds that a loop should take. */
const BURST = 60;
const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 7 : 25;
const MESSAGES = quick ? 200 : 1000;

interface Case {
  readonly name: string;
  readonly machine: LoopMachine;
  readonly loop: Loop;
  readonly address: number;
}

/** v86 as it is. */
const plain: WasmFn = async (imports) => (await WebAssembly.instantiate(v86Wasm, imports)).instance.exports;

const withEmptyHandlers: WasmFn = async (imports) =>
  plain({ env: { ...imports.env, ...instantiate('v86/handlers') } as WebAssembly.ModuleImports });

interface Device {
  readonly dispatcher: Dispatcher;
  readonly wasm_fn: WasmFn;
  raise(): void;
  /** Called at a write of the handler's first word. */
  told: () => void;
}

/** A function whose table and PBA lie beside registers, with two pages of its own. */
function device(): Device {
  const memory = new Uint8Array(PAGE_SIZE);
  const registers = new DataView(new ArrayBuffer(PAGE_SIZE));
  const handler: PageHandler = {
    read: (offset) => registers.getInt32(offset, true),
    write: (offset, _width, low) => {
      registers.setInt32(offset, low, true);
      if (offset === 0) made.told();
    },
  };
  const dispatcher: Dispatcher = createDispatcher({
    trapAll: true,
    host: { mapPage: (address) => [own.bytes, memory, handler][address / PAGE_SIZE] ?? null },
  });
  const own = dispatcher.createPage();
  const attachment = attachV86({ dispatcher, wasm: v86Wasm });
  const fn = dispatcher.assign({
    sbdf: '00:08.0',
    bars: [{ index: 0, type: 'mem32', address: BAR, hostAddress: 0, size: 0x4000 }],
    msix: { count: 16, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x400 } },
    software: { send: (message: Message) => attachment.send(message) },
    decode: true,
  });
  fn.interrupts.useAll();
  fn.writeMessageControl(0x8000);
  dispatcher.write(SENDING, 4, 0xfee00000);
  dispatcher.write(SENDING + 8, 4, VECTOR);
  dispatcher.write(SENDING + 12, 4, 0);
  const made: Device = {
    dispatcher,
    wasm_fn: attachment.wasm_fn,
    raise: () => fn.interrupts.raise(0),
    told: () => {},
  };
  return made;
}

async function machine(wasm_fn: WasmFn): Promise<LoopMachine> {
  const made = new LoopMachine(wasm_fn);
  await made.booted();
  return made;
}

/** v86's own way: closures by block of 128 KiB. The same registers as beside the table. */
async function closures(): Promise<LoopMachine> {
  const made = await machine(plain);
  const registers = new DataView(new ArrayBuffer(PAGE_SIZE));
  made.inside.cpu.io.mmap_register(
    BAR,
    BLOCK,
    (address) => registers.getUint8(address & 0xfff),
    (address, value) => registers.setUint8(address & 0xfff, value),
    (address) => registers.getInt32(address & 0xfff, true),
    (address, value) => registers.setInt32(address & 0xfff, value, true),
  );
  return made;
}

const trapline = device();
const attached = await machine(trapline.wasm_fn);
const empty = await machine(withEmptyHandlers);
const table = await closures();
const alone = await machine(plain);

const cases: Case[] = (['read', 'write'] as const).flatMap((loop) => [
  { name: `${loop}, empty handler in wasm`, machine: empty, loop, address: TABLE },
  { name: `${loop}, Trapline, table`, machine: attached, loop, address: TABLE },
  { name: `${loop}, Trapline, adjacent`, machine: attached, loop, address: ADJACENT },
  { name: `${loop}, Trapline, adjacent, other memory`, machine: attached, loop, address: MEMORY + 0x800 },
  { name: `${loop}, Trapline, adjacent, handler`, machine: attached, loop, address: HANDLER + 0x800 },
  { name: `${loop}, v86's closures, registers`, machine: table, loop, address: ADJACENT },
]);
cases.push(
  { name: 'RAM only, v86 alone', machine: alone, loop: 'compute', address: RAM },
  { name: 'RAM only, Trapline attached', machine: attached, loop: 'compute', address: RAM },
);

const samples = new Map<string, number[]>();
const rounds = new Map<string, number>();
for (const { name, machine, loop, address } of cases) {
  // The first is interpreted, and compiled meanwhile.
  await machine.time(loop, address, 1_000_000);
  const trial = 1_000_000;
  const milliseconds = await machine.time(loop, address, trial);
  rounds.set(name, Math.round((trial * BURST) / milliseconds));
}
for (let round = 0; round < ROUNDS; round++) {
  for (const { name, machine, loop, address } of cases) {
    const count = rounds.get(name) as number;
    const milliseconds = await machine.time(loop, address, count);
    samples.set(name, [...(samples.get(name) ?? []), (milliseconds * 1e6) / count]);
  }
}

const ns = (name: string): number => median(samples.get(name) as number[]);
const latencies = await messages();
console.log(
  `Nanoseconds an iteration of a guest's loop, medians of ${ROUNDS} bursts of ${BURST} ms, v86 on Node ${process.version}`,
);
for (const { name } of cases) console.log(`  ${name.padEnd(40)}${ns(name).toFixed(2).padStart(8)}`);
console.log(
  `Milliseconds from raise to the guest's next instruction, ${MESSAGES} messages: median ${median(latencies).toFixed(3)}, 9 of 10 ${quantile(latencies, 0.9).toFixed(3)}`,
);
console.log('Targets');
for (const loop of ['read', 'write'] as const) {
  judge(
    `table ${loop}, times an empty handler`,
    ns(`${loop}, Trapline, table`) / ns(`${loop}, empty handler in wasm`),
    1.25,
  );
  judge(
    `adjacent ${loop}, times v86's closures`,
    ns(`${loop}, Trapline, adjacent`) / ns(`${loop}, v86's closures, registers`),
    1,
  );
}
judge('idle: RAM only, times v86 alone', ns('RAM only, Trapline attached') / ns('RAM only, v86 alone'), 1.02);
judge('message, median, ms', median(latencies), 0.3);
for (const one of [attached, empty, table, alone]) await one.emulator.destroy();

function judge(name: string, value: number, limit: number): void {
  console.log(
    `  ${value <= limit ? 'reached' : 'MISSED '}  ${name.padEnd(44)}${value.toFixed(3)}, at most ${limit}`,
  );
}

/** From `raise`, called from outside of the guest while it waits, to the write with which it goes on. */
async function messages(): Promise<number[]> {
  const taken: number[] = [];
  await attached.waiting(HANDLER, MESSAGES, async () => {
    for (let message = 0; message < MESSAGES; message++) {
      await new Promise((resolve) => setTimeout(resolve, 1 + (message % 3)));
      const came = new Promise<void>((resolve) => {
        const start = performance.now();
        trapline.told = () => {
          taken.push(performance.now() - start);
          resolve();
        };
        trapline.raise();
      });
      await came;
    }
  });
  return taken;
}
