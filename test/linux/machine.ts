import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createDispatcher, type Dispatcher } from 'trapline';
import { attachV86, type MachineState, type V86Attachment } from 'trapline/v86';
import { V86 } from 'v86';
import { createNvme, type Nvme, VECTORS } from '../../examples/nvme/nvme.js';
import { BufferStorage } from '../../examples/nvme/storage.js';
import { initrd } from './initrd.js';
import { SerialConsole } from './serial-console.js';
import { Vectors } from './vectors.js';

export const SBDF = '0000:00:08.0';
const RAM = 128 << 20;
/** Quick to boot. `noisapnp`, `initcall_blacklist`: what takes seconds and finds nothing. */
const COMMAND_LINE = [
  'console=ttyS0 nokaslr mitigations=off audit=0 tsc=reliable nowatchdog random.trust_cpu=on',
  'cryptomgr.notests noisapnp apparmor=0 lsm=yama',
  'initcall_blacklist=init_kprobe_trace,load_system_certificate_list,crypto_kdf108_init',
].join(' ');

const wasm = readFileSync(join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm'));

/** Everything that a machine consists of, at one moment. */
export interface SavedMachine {
  readonly state: MachineState;
  readonly disk: Uint8Array;
}

/** A PC in v86 whose disk is the example's NVMe controller, which Trapline serves. */
export class Machine {
  readonly disk: Uint8Array;
  readonly dispatcher: Dispatcher;
  readonly nvme: Nvme;
  readonly vectors: Vectors;
  readonly emulator: V86;
  readonly console: SerialConsole;
  /** Messages sent, per vector. */
  readonly messages = new Array<number>(VECTORS).fill(0);
  /** What Trapline and the controller were told of. */
  readonly faults: unknown[] = [];
  private readonly v86: V86Attachment;
  private readonly ready: Promise<void>;

  /** Stopped; `files` are those of `fetchDebian`. */
  constructor(files: string, disk: Uint8Array, deadline: number) {
    const onError = (error: unknown) => this.faults.push(error);
    this.disk = disk;
    this.dispatcher = createDispatcher({
      host: { mapPage: (address) => this.nvme.mapPage(address) },
      trapAll: true,
      onError,
    });
    const models = {
      nvme: { save: () => this.nvme.save(), restore: (state: unknown) => this.nvme.restore(state) },
    };
    this.v86 = attachV86({ dispatcher: this.dispatcher, wasm, models });
    this.nvme = createNvme({
      dispatcher: this.dispatcher,
      sbdf: SBDF,
      memory: this.v86.memory,
      storage: new BufferStorage(disk),
      send: (message, vector) => {
        this.messages[vector]!++;
        this.v86.send(message);
      },
      onError,
    });
    this.vectors = new Vectors(this.dispatcher, this.nvme);
    const file = (name: string) => image(readFileSync(join(files, name)));
    this.emulator = new V86({
      wasm_fn: this.v86.wasm_fn,
      memory_size: RAM,
      acpi: true,
      bios: file('bios.bin'),
      bzimage: file('vmlinuz'),
      initrd: image(initrd(files)),
      cmdline: COMMAND_LINE,
    });
    this.ready = new Promise((resolve) => this.emulator.add_listener('emulator-ready', () => resolve()));
    this.console = new SerialConsole(this.emulator, deadline);
  }

  /** Lets it run, from power-on or from where it was stopped. */
  async run(): Promise<void> {
    await this.ready;
    await this.emulator.run();
  }

  /** Reads and writes so far. */
  get commands(): number {
    const { reads, writes } = this.nvme.save().namespace;
    return reads + writes;
  }

  /** Completions that the driver has not taken yet. */
  get completions(): number {
    return this.nvme
      .save()
      .queues.completions.map(({ head, tail, size }) => (tail - head + size) % size)
      .reduce((sum, length) => sum + length, 0);
  }

  /** Stops it where that holds; false: it runs, and did not get there while it could. */
  async stopWhere(reached: () => boolean, possible: () => boolean): Promise<boolean> {
    while (possible()) {
      await this.emulator.stop();
      if (reached()) return true;
      await this.emulator.run();
      await setImmediate();
    }
    return false;
  }

  /** Of a stopped machine. */
  async save(): Promise<SavedMachine> {
    return { state: await this.v86.save(this.emulator), disk: this.disk.slice() };
  }

  /** Of a machine that has not run. */
  async restore({ state, disk }: SavedMachine): Promise<void> {
    await this.ready;
    this.disk.set(disk);
    await this.v86.restore(this.emulator, state);
  }

  /** Messages that reached no interrupt controller. */
  get undelivered(): number {
    return this.v86.undelivered;
  }
}

function image(bytes: Uint8Array): { buffer: ArrayBuffer } {
  return { buffer: new Uint8Array(bytes).buffer };
}
