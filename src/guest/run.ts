import { attachV86, type Doors } from '../hosts/v86.js';
import { createMachine, type Machine } from './machine.js';
import { guestOptions } from './v86-options.js';

export interface RunOptions {
  /** Of the package `v86`. */
  readonly V86: typeof import('v86').V86;
  /** v86.wasm. */
  readonly wasm: BufferSource;
  /** guest.elf. */
  readonly image: ArrayBuffer;
  /** A line that the guest has printed, without its end. */
  readonly onLine: (line: string) => void;
  /** Doors in place of the dispatcher's. */
  readonly doors?: (machine: Machine) => Doors;
  /** Milliseconds. */
  readonly limit: number;
}

/** HLT while interrupts are disabled. v86.d.ts does not have it. */
const HALT = 'cpu-event-halt' as 'emulator-stopped';

/** Runs the guest's selftest to its end. False: it has not come to that in time. */
export async function runGuest({ V86, wasm, image, onLine, doors, limit }: RunOptions): Promise<boolean> {
  const machine = createMachine({ send: (message) => v86.send(message) });
  const { dispatcher, models } = machine;
  const v86 = attachV86({ dispatcher, wasm, models, doors: doors?.(machine) });
  const emulator = new V86({ ...guestOptions(image, 'selftest'), wasm_fn: v86.wasm_fn });
  let line = '';
  emulator.add_listener('serial0-output-byte', (byte: number) => {
    const character = String.fromCharCode(byte);
    if (character !== '\n') line += character;
    else {
      onLine(line);
      line = '';
    }
  });
  const ended = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), limit);
    emulator.add_listener(HALT, () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  await emulator.destroy();
  if (line !== '') onLine(line);
  return ended;
}
