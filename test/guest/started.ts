import { readFileSync } from 'node:fs';
import { V86 } from 'v86';
import type { Dispatcher } from '../../src/dispatcher.js';
import { createMachine, type Machine, type MachineOptions } from '../../src/guest/machine.js';
import { type Guest, type GuestOptions, startGuest } from '../../src/guest/run.js';
import type { WasmDoors } from '../../src/hosts/v86.js';

export const IMAGE = 'src/guest/guest.elf';

/** No guest takes so long, however busy the machine is. */
export const LONG = 60_000;

interface StartOptions extends Partial<Omit<GuestOptions, 'machine' | 'doors'>> {
  readonly doors?: (dispatcher: Dispatcher) => WasmDoors;
  /** In place of delivery. */
  readonly send?: MachineOptions['send'];
}

export interface Started extends Guest {
  readonly machine: Machine;
  /** What the guest has printed. */
  readonly lines: string[];
}

/** The guest, started in its machine. */
export function started({ doors, send, ...options }: StartOptions = {}): Started {
  const lines: string[] = [];
  const machine = createMachine({ send: send ?? ((message) => guest.attachment.send(message)) });
  const guest = startGuest({
    V86,
    wasm: readFileSync('node_modules/v86/build/v86.wasm'),
    image: new Uint8Array(readFileSync(IMAGE)).buffer,
    commandLine: 'selftest',
    onLine: (line) => lines.push(line),
    machine,
    doors: doors?.(machine.dispatcher),
    ...options,
  });
  return { ...guest, machine, lines };
}

/** Waits until it holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + LONG; !holds(); ) {
    if (Date.now() > end) throw new Error(`not within ${LONG} ms: ${holds}`);
    await pause(5);
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
