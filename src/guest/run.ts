import type { V86 } from 'v86';
import { attachV86, type V86Attachment, type WasmDoors } from '../hosts/v86.js';
import type { Machine } from './machine.js';
import { guestOptions } from './v86-options.js';

export interface GuestOptions {
  readonly machine: Machine;
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
  readonly doors?: WasmDoors;
}

/** The guest, running. */
export interface Guest {
  /** What the machine sends goes to its `send`. */
  readonly attachment: V86Attachment;
  readonly emulator: V86;
  /** Waits until the guest has ended, for so many milliseconds, and ends the emulator. False: it has not. */
  end(limit: number): Promise<boolean>;
}

/** HLT while interrupts are disabled. v86.d.ts does not have it. */
const HALT = 'cpu-event-halt' as 'emulator-stopped';

export function startGuest(options: GuestOptions): Guest {
  const { machine, V86, wasm, image, commandLine, onLine, doors } = options;
  const { dispatcher, models } = machine;
  const attachment = attachV86({ dispatcher, wasm, models, doors });
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
  let isReady = false;
  const ready = new Promise<void>((resolve) => {
    emulator.add_listener('emulator-ready', () => {
      isReady = true;
      resolve();
    });
  });
  const halt = new Promise<boolean>((resolve) => {
    emulator.add_listener(HALT, () => resolve(true));
  });
  return {
    ...{ attachment, emulator },
    async end(limit) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), limit);
      });
      const ended = await Promise.race([halt, late]);
      clearTimeout(timer);
      // Before v86 is loaded there is nothing to destroy.
      const destroyed = ready.then(() => emulator.destroy());
      if (isReady) await destroyed;
      machine.stop();
      return ended;
    },
  };
}
