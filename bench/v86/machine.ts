import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { V86 } from 'v86';
import { cpuTime } from '../rounds.js';

/** Where loops.elf looks for its work. */
const WORK = 0x30_0000;
const KINDS = ['nothing', 'read', 'write', 'compute', 'wait'] as const;
export type Loop = (typeof KINDS)[number];

export type WasmFn = (imports: WebAssembly.Imports) => Promise<WebAssembly.Exports>;

/** What of v86 is not in its types. */
interface Inside {
  readonly cpu: {
    write_blob(bytes: Uint8Array, address: number): void;
    readonly io: {
      mmap_register(
        address: number,
        size: number,
        read8: (address: number) => number,
        write8: (address: number, value: number) => void,
        read32: (address: number) => number,
        write32: (address: number, value: number) => void,
      ): void;
    };
  };
}

export const v86Wasm = readFileSync(createRequire(import.meta.url).resolve('v86/build/v86.wasm'));

/** A v86 whose guest runs loops. It is stopped between them. */
export class LoopMachine {
  readonly emulator: V86;
  /** Called each time that the guest asks, within the guest's own time. */
  private asked: () => void = () => {};

  constructor(wasm_fn: WasmFn) {
    const elf = readFileSync(new URL('../../../bench/v86/loops.elf', import.meta.url));
    this.emulator = new V86({
      wasm_fn,
      acpi: true,
      memory_size: 16 << 20,
      vga_memory_size: 1 << 20,
      multiboot: { buffer: elf.buffer.slice(elf.byteOffset, elf.byteOffset + elf.length) },
      net_device: { type: 'none' },
      disable_speaker: true,
      autostart: true,
    } as unknown as ConstructorParameters<typeof V86>[0]);
    this.emulator.add_listener('serial0-output-byte', () => this.asked());
  }

  get inside(): Inside {
    return (this.emulator as unknown as { v86: Inside }).v86;
  }

  /** The guest has booted, and stands still. */
  async booted(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.asked = resolve;
    });
    await this.emulator.stop();
  }

  /** Milliseconds of this process that a loop takes, from inside the guest: what starting and stopping cost is not in it. */
  async time(loop: Loop, address: number, rounds: number): Promise<number> {
    let start = 0;
    const taken = new Promise<number>((resolve) => {
      this.asked = () => {
        if (start === 0) {
          start = cpuTime();
          this.work(loop, address, rounds);
          return;
        }
        resolve(cpuTime() - start);
        this.work('nothing', 0, 0);
        this.asked = () => {};
      };
    });
    await this.emulator.run();
    const milliseconds = await taken;
    await this.emulator.stop();
    return milliseconds;
  }

  /** Lets the guest wait for interrupts until the work is over. */
  async waiting(address: number, interrupts: number, work: () => Promise<void>): Promise<void> {
    let given = false;
    const over = new Promise<void>((resolve) => {
      this.asked = () => {
        if (given) resolve();
        this.work(given ? 'nothing' : 'wait', address, interrupts);
        given = true;
      };
    });
    await this.emulator.run();
    await work();
    await over;
    await this.emulator.stop();
  }

  private work(loop: Loop, address: number, rounds: number): void {
    const words = Uint32Array.of(KINDS.indexOf(loop), address, rounds);
    this.inside.cpu.write_blob(new Uint8Array(words.buffer), WORK);
  }
}
