import { createNvme, type Nvme } from '../../../examples/nvme/nvme.js';
import { BufferStorage } from '../../../examples/nvme/storage.js';
import type { AssignedFunction } from '../../function.js';
import { createMachine } from '../../guest/machine.js';
import { guestOptions } from '../../guest/v86-options.js';
import type { HostPage } from '../../host.js';
import { attachV86, type MachineState, type V86Attachment } from '../../hosts/v86.js';
import type { Message } from '../../msix/message.js';
import { parseSbdf, type Sbdf } from '../../sbdf.js';
import { type Linux, PATHS, type Setup } from '../setup.js';
import { decodeState, encodeState } from '../state-file.js';
import { AccessWatch } from './access-watch.js';

const NVME = parseSbdf('0000:00:0d.0');
/** Bytes of the NVMe controller's disk. */
const DISK = 32 << 20;
/** Vectors of one function. */
type Counts = Map<number, number>;

/** What of v86's `V86` the page uses. */
interface Emulator {
  add_listener(event: 'serial0-output-byte', listener: (byte: number) => void): void;
  add_listener(event: 'emulator-ready' | 'emulator-started' | 'emulator-stopped', listener: () => void): void;
  is_running(): boolean;
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
  get_instruction_counter(): number;
  serial0_send(text: string): void;
}

/** A guest in v86, its functions in Trapline, and what is seen of both. */
export class PageMachine {
  readonly watch: AccessWatch;
  /** Messages sent, of all functions. */
  sent = 0;
  /** What device models and Trapline threw. */
  readonly errors: unknown[] = [];
  /** Counts that cannot be set to 0, at the last reset. */
  private before: { readonly undelivered: number; readonly diagnostics: Readonly<Record<string, number>> } = {
    undelivered: 0,
    diagnostics: {},
  };
  private readonly sentBy = new Map<Sbdf, Counts>();
  private readonly attachment: V86Attachment;
  private readonly emulator: Emulator;
  private readonly machine: ReturnType<typeof createMachine>;
  private readonly setup: Setup;
  private readonly disk: Uint8Array;
  /** As it was before the first instruction, or as it was loaded. */
  private begun: { readonly machine: MachineState; readonly disk: Uint8Array } | undefined;

  /** `serial`: gets the bytes that the guest sends. */
  static async load(setup: Setup, serial: (byte: number) => void): Promise<PageMachine> {
    const [{ V86 }, wasm, options] = await Promise.all([
      import(/* @vite-ignore */ PATHS.v86) as Promise<{ V86: new (options: object) => Emulator }>,
      fetched(PATHS.wasm),
      v86Options(setup),
    ]);
    const machine = new PageMachine(setup, wasm, (wasm_fn) => new V86({ ...options, wasm_fn }), serial);
    await machine.start();
    return machine;
  }

  private constructor(
    setup: Setup,
    wasm: ArrayBuffer,
    emulator: (wasm_fn: V86Attachment['wasm_fn']) => Emulator,
    serial: (byte: number) => void,
  ) {
    this.setup = setup;
    this.disk = new Uint8Array(setup.guest === 'linux' ? DISK : 0);
    const send = (message: Message, sbdf: Sbdf, vector: number) => {
      this.count(sbdf, vector);
      this.attachment.send(message);
    };
    const onError = (error: unknown) => this.errors.push(error);
    let mapPage = (_address: number, _sbdf: Sbdf): HostPage | null => null;
    this.machine = createMachine({ send, onError, mapPage: (address, sbdf) => mapPage(address, sbdf) });
    const { dispatcher, models } = this.machine;
    this.watch = new AccessWatch(dispatcher);
    let nvme: Nvme | undefined;
    const ofNvme = { save: () => nvme?.save(), restore: (state: unknown) => nvme?.restore(state) };
    this.attachment = attachV86({
      ...{ dispatcher, wasm, doors: this.watch },
      models: setup.guest === 'linux' ? { ...models, nvme: ofNvme } : models,
    });
    if (setup.guest === 'linux') {
      nvme = createNvme({
        dispatcher,
        sbdf: NVME,
        memory: this.attachment.memory,
        storage: new BufferStorage(this.disk),
        send: (message, vector) => send(message, NVME, vector),
        onError,
      });
      mapPage = (address, sbdf) => (sbdf === NVME ? (nvme?.mapPage(address) ?? null) : null);
    }
    this.emulator = emulator(this.attachment.wasm_fn);
    this.emulator.add_listener('serial0-output-byte', serial);
  }

  get functions(): readonly AssignedFunction[] {
    return this.machine.dispatcher.functions;
  }

  get isRunning(): boolean {
    return this.emulator.is_running();
  }

  /** Since power-on; wraps at 2^32. */
  get instructions(): number {
    return this.emulator.get_instruction_counter();
  }

  /** Messages that reached no interrupt controller. */
  get undelivered(): number {
    return this.attachment.undelivered - this.before.undelivered;
  }

  /** How often each diagnostic of Trapline's occurred. */
  get diagnostics(): readonly (readonly [string, number])[] {
    return Object.entries(this.machine.dispatcher.counts)
      .map(([code, count]) => [code, count - (this.before.diagnostics[code] ?? 0)] as const)
      .filter(([, count]) => count > 0);
  }

  /** Messages that a vector sent. */
  sentOf(sbdf: Sbdf, vector: number): number {
    return this.sentBy.get(sbdf)?.get(vector) ?? 0;
  }

  run(): Promise<void> {
    return this.emulator.run();
  }

  pause(): Promise<void> {
    return this.emulator.stop();
  }

  type(text: string): void {
    this.emulator.serial0_send(text);
  }

  /** Power off and on, or back to the state that was loaded. */
  async reset(): Promise<void> {
    const running = this.isRunning;
    await this.emulator.stop();
    for (const fn of this.functions) fn.reset();
    if (this.begun) {
      this.disk.set(this.begun.disk);
      await this.attachment.restore(this.emulator, this.begun.machine);
    }
    this.sent = 0;
    this.sentBy.clear();
    this.before = {
      undelivered: this.attachment.undelivered,
      diagnostics: { ...this.machine.dispatcher.counts },
    };
    this.watch.clear();
    if (running) await this.emulator.run();
  }

  /** For a file that `trapline inspect --state` goes on from. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    const { saved, ...setup } = this.setup;
    return encodeState({ setup, machine: await this.attachment.save(this.emulator), disk: this.disk });
  }

  /** Runs it, once what it begins with is kept. */
  private async start(): Promise<void> {
    await new Promise<void>((ready) => this.emulator.add_listener('emulator-ready', ready));
    if (this.setup.saved) {
      this.begun = decodeState(new Uint8Array(await fetched(PATHS.state)));
      this.disk.set(this.begun.disk);
      await this.attachment.restore(this.emulator, this.begun.machine);
    } else {
      this.begun = { machine: await this.attachment.save(this.emulator), disk: this.disk.slice() };
    }
    await this.emulator.run();
  }

  private count(sbdf: Sbdf, vector: number): void {
    this.sent++;
    const counts: Counts = this.sentBy.get(sbdf) ?? new Map();
    this.sentBy.set(sbdf, counts.set(vector, (counts.get(vector) ?? 0) + 1));
  }
}

async function v86Options(setup: Setup): Promise<object> {
  if (setup.guest === 'bare-metal')
    return { ...guestOptions(await fetched(PATHS.guest), 'live'), autostart: false };
  return {
    ...(setup.saved ? {} : await linuxImages(setup)),
    acpi: true,
    memory_size: setup.memory,
    net_device: { type: 'none' },
    disable_speaker: true,
    disable_keyboard: true,
    disable_mouse: true,
  };
}

async function linuxImages(setup: Linux): Promise<object> {
  const image = async (path: string) => ({ buffer: await fetched(path) });
  return {
    cmdline: setup.commandLine,
    bios: await image(PATHS.bios),
    bzimage: await image(PATHS.kernel),
    ...(setup.vgaBios && { vga_bios: await image(PATHS.vgaBios) }),
    ...(setup.initrd && { initrd: await image(PATHS.initrd) }),
  };
}

async function fetched(path: string): Promise<ArrayBuffer> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.arrayBuffer();
}
