import {
  type Dispatcher,
  type Message,
  PAGE_SIZE,
  type PageHandler,
  parseSbdf,
  type Sbdf,
  type SoftwareFunction,
} from 'trapline';
import { configSpace, MSIX } from './config-space.js';
import { Controller, type ControllerState } from './controller.js';
import { Dma, type GuestMemory } from './guest-memory.js';
import { constants, DOORBELLS } from './registers.js';
import type { Storage } from './storage.js';

/** Offsets in BAR 0, on the page of the doorbells. */
export const TABLE = 0x1800;
export const PBA = 0x1c00;
/** One for the admin queue, one for each I/O queue. */
export const VECTORS = 9;
const BAR_SIZE = 0x2000;
const COMMAND = 0x04;
const BUS_MASTER = 1 << 2;

export interface NvmeOptions {
  readonly dispatcher: Dispatcher;
  readonly sbdf: string | Sbdf;
  readonly memory: GuestMemory;
  readonly storage: Storage;
  /** Delivers an interrupt to the guest. */
  readonly send: (message: Message, vector: number) => void;
  /** Up to 20 ASCII characters, another for each device. Default: of the SBDF. */
  readonly serial?: string;
  /** Told what memory and storage throw; the guest's command fails. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
}

export interface Nvme {
  readonly fn: SoftwareFunction;
  /** For `Host.mapPage` of the dispatcher, under this function's SBDF. */
  mapPage(address: number): PageHandler | null;
  /**
   * The controller's state, which `dispatcher.save` of the same moment completes. Guest RAM and storage are the
   * embedder's. Throws while an access is answered, as in callbacks of memory, storage and `send`.
   */
  save(): ControllerState;
  /**
   * Puts the controller into a saved state, of one with the same serial and blocks. To be followed by
   * `dispatcher.restore`, which brings uses of vectors and sends what is pending: then the controller is there for it.
   * Throws a TypeError with all faults of the state, and as `save`; then nothing has changed.
   */
  restore(state: unknown): void;
}

/** Assigns an NVMe controller with one namespace. Throws what `assign` throws. */
export function createNvme(options: NvmeOptions): Nvme {
  const { dispatcher, storage, send } = options;
  const sbdf = typeof options.sbdf === 'string' ? parseSbdf(options.sbdf) : options.sbdf;
  const controller = new Controller({
    memory: new Dma(options.memory, () => (fn.config.read(COMMAND, 2) & BUS_MASTER) !== 0),
    storage,
    interrupts: () => fn.interrupts,
    vectors: VECTORS,
    serial: options.serial ?? `TRAPLINE${sbdf.toString(16).padStart(8, '0')}`,
    onError: options.onError ?? (() => {}),
  });
  // BAR 0 has host address 0, so that the pages that Trapline asks for are offsets in it.
  const pages = new Map<number, PageHandler>([
    [0, controller.registers],
    [DOORBELLS, inFrontOf(TABLE, controller.doorbells)],
  ]);
  const fn = dispatcher.assign({
    sbdf,
    config: configSpace(),
    bars: [{ index: 0, type: 'mem64', address: 0, hostAddress: 0, size: BAR_SIZE }],
    msix: {
      count: VECTORS,
      table: { bir: 0, offset: TABLE },
      pba: { bir: 0, offset: PBA },
      capability: MSIX,
    },
    registers: constants,
    software: { send, onReset: () => controller.reset() },
  });
  return {
    fn,
    mapPage: (address) => pages.get(address) ?? null,
    save: () => controller.save(),
    restore: (state) => controller.restore(state),
  };
}

/** Registers in the first bytes of a page. Behind them nothing is: it reads 0. */
function inFrontOf(end: number, page: PageHandler): PageHandler {
  const limit = end % PAGE_SIZE;
  return {
    read: (offset, width, high) => {
      high[0] = 0;
      return offset < limit ? page.read(offset, width, high) : 0;
    },
    write: (offset, width, low, high) => {
      if (offset < limit) page.write(offset, width, low, high);
    },
  };
}
