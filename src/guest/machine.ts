import { createDispatcher, type Dispatcher, type DispatcherOptions } from '../dispatcher.js';
import type { FunctionDescription, MsixLayout, SoftwareFunction } from '../function.js';
import type { HostPage } from '../host.js';
import type { Message } from '../msix/message.js';
import { CLASS, DEVICE_ID, VENDOR_ID } from '../pci/header.js';
import { formatSbdf, parseSbdf, type Sbdf } from '../sbdf.js';
import { Device } from './device.js';

export interface MachineOptions
  extends Pick<DispatcherOptions, 'onDiagnostic' | 'diagnosticLimit' | 'onError'> {
  /** Delivers an interrupt to the guest: `V86Attachment.send`. */
  readonly send: (message: Message, sbdf: Sbdf, vector: number) => void;
  /** Pages of functions that the embedder assigns besides. */
  readonly mapPage?: (address: number, sbdf: Sbdf) => HostPage | null;
}

export interface Machine {
  readonly dispatcher: Dispatcher;
  readonly functions: readonly SoftwareFunction[];
  /** For `attachV86`. */
  readonly models: Readonly<Record<string, Device>>;
  /** What devices would raise later they do not. */
  stop(): void;
}

interface Layout {
  readonly sbdf: string;
  readonly device: number;
  readonly bars: FunctionDescription['bars'];
  readonly msix: MsixLayout;
  /** The registers' host address. */
  readonly registers: number;
  /** Bytes of its host pages. */
  readonly size: number;
}

/** The id that made-up devices use; nobody sells it. */
const VENDOR = 0x1234;
/** Fits no class. */
const UNASSIGNED = 0xff00;

/**
 * Three BARs on one host page, as Linux shows a machine in
 * https://lore.kernel.org/all/20240814220525.GA11399@bhelgaas/, but for the PBA, which lies in the table there.
 */
const smallBars: Layout = {
  sbdf: '0000:00:08.0',
  device: 0x5402,
  bars: [
    { index: 0, type: 'mem32', address: 0, hostAddress: 0x600, size: 0x100 },
    { index: 1, type: 'mem32', address: 0, hostAddress: 0x400, size: 0x200 },
    { index: 2, type: 'mem32', address: 0, hostAddress: 0x000, size: 0x400 },
  ],
  msix: { count: 2, table: { bir: 0, offset: 0x80 }, pba: { bir: 0, offset: 0xa0 } },
  registers: 0x600,
  size: 0x1000,
};

/** Registers on a page of their own and on those of the table and the PBA; the last page is all memory. */
const largeBar: Layout = {
  sbdf: '0000:00:09.0',
  device: 0x5440,
  bars: [{ index: 0, type: 'mem64', address: 0, hostAddress: 0, size: 0x4000 }],
  msix: { count: 64, table: { bir: 0, offset: 0x1400 }, pba: { bir: 0, offset: 0x2800 } },
  registers: 0,
  size: 0x4000,
};

/** The machine of the bare-metal guest, without its CPU: two functions of bus 0. Each reset of a function is one of its device. */
export function createMachine({ send, mapPage, ...options }: MachineOptions): Machine {
  const devices = new Map<Sbdf, Device>();
  const dispatcher = createDispatcher({
    ...options,
    trapAll: true,
    host: {
      mapPage: (address, sbdf) => {
        const device = devices.get(sbdf);
        return device ? device.page(address) : (mapPage?.(address, sbdf) ?? null);
      },
    },
  });
  const functions = [smallBars, largeBar].map((layout) => {
    const sbdf = parseSbdf(layout.sbdf);
    const device = new Device(layout.size, layout.registers, () => fn.interrupts);
    devices.set(sbdf, device);
    const fn = dispatcher.assign({
      sbdf,
      config: configSpace(layout.device),
      bars: layout.bars,
      msix: layout.msix,
      software: {
        send: (message, vector) => send(message, sbdf, vector),
        onReset: () => device.reset(),
      },
    });
    fn.interrupts.useAll();
    return fn;
  });
  const models = Object.fromEntries([...devices].map(([sbdf, device]) => [formatSbdf(sbdf), device]));
  const stop = () => {
    for (const device of devices.values()) device.stop();
  };
  return { dispatcher, functions, models, stop };
}

function configSpace(device: number): Uint8Array {
  const image = new Uint8Array(256);
  const view = new DataView(image.buffer);
  view.setUint16(VENDOR_ID, VENDOR, true);
  view.setUint16(DEVICE_ID, device, true);
  view.setUint16(CLASS, UNASSIGNED, true);
  return image;
}
