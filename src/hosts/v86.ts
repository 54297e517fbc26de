/**
 * A dispatcher's functions in v86, the unmodified npm package.
 *
 * @module trapline/v86
 */

import type { Dispatcher, Fallback } from '../dispatcher.js';
import type { ModuleDoors, V86Doors } from '../engine/core.js';
import { decodeMessage, type Message } from '../msix/message.js';
import { CONFIG_ADDRESS, ConfigPorts } from './config-ports.js';
import type { GuestMemory } from './guest-memory.js';
import { GuestRam, type RamExports } from './v86/guest-ram.js';
import { type PortDoors, sizeIdeBars } from './v86/ide-bars.js';
import { type ApicExports, LocalApic } from './v86/local-apic.js';
import { type Emulator, type MachineState, type SavedModel, whileStopped } from './v86/machine.js';
import { checkV86 } from './v86/signatures.js';

export type { GuestMemory } from './guest-memory.js';
export type { Emulator, MachineState, SavedModel } from './v86/machine.js';

/** What is put into v86. */
export interface V86Options {
  /** With `trapAll`: v86 cannot map a BAR's pages. */
  readonly dispatcher: Dispatcher;
  /** v86.wasm. */
  readonly wasm: BufferSource;
  /** Doors in place of the dispatcher's: a recording of it. */
  readonly doors?: WasmDoors;
  /** What `save` and `restore` take along, by name. */
  readonly models?: Readonly<Record<string, SavedModel>>;
}

/** What `Dispatcher.attach` gives, v86's own doors or not. */
export interface WasmDoors {
  /** As `Dispatcher.attach`. */
  attach(fallback: Fallback): Pick<ModuleDoors, 'trap_read' | 'trap_write'> & Partial<V86Doors>;
}

/**
 * A v86 of which Trapline is the PCI bus's other half. Before v86 is loaded there is no memory and nothing is sent.
 *
 * Accesses arrive as v86 makes them: of 8 and 32 bits, and writes of 16 and 64 too. A read of 16 bits is two of 8, of 64
 * bits two of 32, of 128 four; a write of 128 bits is two of 64. What crosses a page is halves, and a half that does
 * so bytes; in compiled code a read of 64 or 128 bits is bytes then. `rep movs` is one access an element; what
 * reads and modifies is a read and a write. Into the upper word of a 64-bit read v86 extends the sign of the lower one.
 */
export interface V86Attachment {
  /** For `new V86({ wasm_fn, ... })`; with `acpi: true`, without which there is no local APIC to send messages to. */
  wasm_fn(imports: WebAssembly.Imports): Promise<WebAssembly.Exports>;
  /**
   * Delivers an interrupt message, also within an access. v86 has one CPU: the destination is ignored, and modes
   * other than fixed and lowest priority cannot be delivered. An address that is no APIC's is a write to memory.
   */
  send(message: Message): void;
  /** Messages that could not be delivered: remappable ones, other modes, vectors below 16, addresses without memory. */
  readonly undelivered: number;
  /** DMA. */
  readonly memory: GuestMemory;
  /** The machine as it is between two instructions. A running guest stops meanwhile. */
  save(emulator: Emulator): Promise<MachineState>;
  /** Into the same machine, or one that was made alike. Throws as `Dispatcher.restore` and the models do. */
  restore(emulator: Emulator, state: MachineState): Promise<void>;
}

type Env = Record<string, (...args: number[]) => number>;

/** Of QEMU's ACPI hot-plug ports v86 has none: all ones there tell Linux that slots above 2 were removed. */
const HOTPLUG = 0xae00;

/**
 * Puts a dispatcher's functions into a v86 of the npm package, unmodified: MMIO from wasm to wasm, configuration cycles
 * by ports, messages, DMA, reset. Functions of bus 0 and above are at their SBDF of segment 0; 00:00, 00:01, 00:05 to
 * 00:07, 00:0a to 00:0c, 00:12 and 00:1e may be v86's own, and are hidden where there is a function here. Throws
 * `unsupported-host` where v86.wasm does not have the functions that this needs.
 */
export function attachV86(options: V86Options): V86Attachment {
  checkV86(bytesOf(options.wasm));
  return new Attachment(options);
}

class Attachment implements V86Attachment {
  readonly memory = new GuestRam();
  undelivered = 0;
  private readonly options: V86Options;
  private readonly ports: ConfigPorts;
  private env: Env = {};
  private apic: LocalApic | undefined;
  private started = false;

  constructor(options: V86Options) {
    this.options = options;
    this.ports = new ConfigPorts((sbdf) => options.dispatcher.find(sbdf)?.config);
  }

  // v86 calls it without an object.
  readonly wasm_fn = async (imports: WebAssembly.Imports): Promise<WebAssembly.Exports> => {
    const { wasm, dispatcher, doors = dispatcher } = this.options;
    this.env = imports.env as Env;
    this.started = false;
    const env = { ...imports.env, ...mmio(doors, this.env), ...this.portDoors(this.env) };
    const { instance } = await WebAssembly.instantiate(wasm, { ...imports, env });
    const exports = instance.exports as unknown as Exports;
    this.apic = new LocalApic(exports);
    return {
      ...instance.exports,
      allocate_memory: (size: number) => {
        const start = exports.allocate_memory(size);
        this.memory.allocated(exports, start, size);
        return start;
      },
      reset_cpu: () => {
        exports.reset_cpu();
        this.reset();
      },
    };
  };

  send(message: Message): void {
    if (!this.deliver(message)) this.undelivered++;
  }

  async save(emulator: Emulator): Promise<MachineState> {
    const { dispatcher, models = {} } = this.options;
    return whileStopped(emulator, async () => {
      const configAddress = this.ports.address;
      sizeIdeBars(this.env as unknown as PortDoors);
      this.env.io_port_write32(CONFIG_ADDRESS, configAddress | 0);
      return {
        v86: await emulator.save_state(),
        functions: dispatcher.save(),
        configAddress,
        models: Object.fromEntries(Object.entries(models).map(([name, model]) => [name, model.save()])),
      };
    });
  }

  async restore(emulator: Emulator, state: MachineState): Promise<void> {
    const { dispatcher, models = {} } = this.options;
    await whileStopped(emulator, async () => {
      await emulator.restore_state(state.v86);
      this.ports.address = state.configAddress >>> 0;
      for (const [name, model] of Object.entries(models)) model.restore(state.models[name]);
      // Last: what is pending and not masked is sent, into the APIC that was restored.
      dispatcher.restore(state.functions);
    });
  }

  /** v86 resets its CPU once when it is made, and then whenever the machine is reset. */
  private reset(): void {
    const { dispatcher } = this.options;
    for (const fn of this.started ? dispatcher.functions : []) {
      // A model that is reset may take another function away.
      if (dispatcher.find(fn.sbdf) === fn) fn.reset();
    }
    this.started = true;
  }

  private deliver(message: Message): boolean {
    const decoded = decodeMessage(message);
    if (!decoded) {
      const data = new Uint8Array(Uint32Array.of(message.data).buffer);
      return this.memory.write(message.addressHigh * 2 ** 32 + message.addressLow, data);
    }
    if (decoded.format !== 'interrupt' || !this.apic || decoded.vector < 16) return false;
    if (decoded.deliveryMode !== 'fixed' && decoded.deliveryMode !== 'lowest-priority') return false;
    this.apic.request(decoded.vector);
    this.env.stop_idling();
    return true;
  }

  private portDoors(env: Env): Env {
    const { ports } = this;
    const read = (width: 1 | 2 | 4) => {
      const host = env[`io_port_read${8 * width}`];
      return (port: number) => {
        if (ConfigPorts.has(port)) return ports.read(port, width) ?? host(port);
        return (port & ~15) === HOTPLUG ? 0 : host(port);
      };
    };
    const write = (width: 1 | 2 | 4) => {
      const host = env[`io_port_write${8 * width}`];
      return (port: number, value: number) => {
        if (!ConfigPorts.has(port)) return host(port, value);
        if (!ports.write(port, width, value)) configWrite(host, port, width, value);
        return 0;
      };
    };
    return {
      io_port_read8: read(1),
      io_port_read16: read(2),
      io_port_read32: read(4),
      io_port_write8: write(1),
      io_port_write16: write(2),
      io_port_write32: write(4),
    };
  }
}

/** What is used of v86's exports. */
interface Exports extends RamExports, ApicExports {
  allocate_memory(size: number): number;
  reset_cpu(): void;
}

/**
 * A write that goes to v86. It throws where 8 or 16 bits are written to a function that is not there: such writes are
 * dropped. It takes the second byte of CONFIG_ADDRESS for the reset register 0xcf9: a step from function 2 or 3 to 6 or 7
 * would reset the machine, and so goes by way of 0.
 */
function configWrite(host: (...args: number[]) => number, port: number, width: number, value: number): void {
  try {
    if (port === CONFIG_ADDRESS && width === 4 && (value & 0x600) === 0x600) host(port, 0);
    host(port, value);
  } catch {
    // Nobody to answer.
  }
}

/** v86's MMIO imports: the core's own where nothing is between, else made of its doors. */
function mmio(doors: WasmDoors, env: Env): V86Doors {
  const {
    trap_read: read,
    trap_write: write,
    ...own
  } = doors.attach({
    read: (low, _high, width) => (width === 1 ? env.mmap_read8(low) : env.mmap_read32(low)),
    write: (low, _high, width, data, dataHigh) => {
      if (width === 8) env.mmap_write64(low, data, dataHigh);
      else env[`mmap_write${8 * width}`](low, data);
    },
  });
  const made: V86Doors = {
    mmap_read8: (at) => read(at, 0, 1),
    mmap_read32: (at) => read(at, 0, 4),
    mmap_write8: (at, data) => write(at, 0, 1, data, 0),
    mmap_write16: (at, data) => write(at, 0, 2, data, 0),
    mmap_write32: (at, data) => write(at, 0, 4, data, 0),
    mmap_write64: (at, data, high) => write(at, 0, 8, data, high),
    mmap_write128: (at, data0, data1, data2, data3) => {
      write(at, 0, 8, data0, data1);
      write(at + 8, 0, 8, data2, data3);
    },
  };
  return own.mmap_read8 ? (own as V86Doors) : made;
}

const bytesOf = (source: BufferSource): Uint8Array =>
  ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
