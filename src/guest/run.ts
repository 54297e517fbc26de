import type { V86 } from 'v86';
import type { Dispatcher } from '../dispatcher.js';
import { attachV86, type Doors, type V86Attachment } from '../hosts/v86.js';
import { createMachine, type Machine, type MachineOptions } from './machine.js';
import { guestOptions } from './v86-options.js';

export interface GuestOptions {
  /** Of the package `v86`. */
  readonly V86: typeof V86;
  /** v86.wasm. */
  readonly wasm: BufferSource;
  /** guest.elf. */
  readonly image: ArrayBuffer;
  /** `selftest`, which ends, or `live`, which does not. */
  readonly commandLine: 'selftest' | 'live';
  /** A line that the guest has printed, without its end. */
  readonly onLine: (line: string) => void;
  /** Doors in place of the dispatcher's. */
  readonly doors?: (dispatcher: Dispatcher) => Doors;
  /** What becomes of interrupt messages in place of their delivery. */
  readonly send?: MachineOptions['send'];
}

/** The guest in its machine, running. */
export interface Guest {
  readonly machine: Machine;
  readonly attachment: V86Attachment;
  readonly emulator: V86;
  /** Waits until the guest has ended, for so many milliseconds, and ends the emulator. False: it has not. */
  end(limit: number): Promise<boolean>;
}

/** HLT while interrupts are disabled. v86.d.ts does not have it. */
const HALT = 'cpu-event-halt' as 'emulator-stopped';

export function startGuest(options: GuestOptions): Guest {
  const { V86, wasm, image, commandLine, onLine, doors } = options;
  const send: MachineOptions['send'] = options.send ?? ((message) => attachment.send(message));
  const machine = createMachine({ send });
  const { dispatcher, models } = machine;
  const attachment = attachV86({ dispatcher, wasm, models, doors: doors?.(dispatcher) });
  const emulator = new V86({ ...guestOptions(image, commandLine), wasm_fn: attachment.wasm_fn });
  let line = '';
  emulator.add_listener('serial0-output-byte', (byte: number) => {
    const character = String.fromCharCode(byte);
    if (character !== '\n') line += character;
    else {
      onLine(line);
      line = '';
    }
  });
  let halted: () => void;
  const halt = new Promise<void>((resolve) => {
    halted = resolve;
  });
  emulator.add_listener(HALT, () => halted());
  return {
    ...{ machine, attachment, emulator },
    async end(limit) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), limit);
      });
      const ended = await Promise.race([halt.then(() => true), late]);
      clearTimeout(timer);
      await emulator.destroy();
      machine.stop();
      return ended;
    },
  };
}
