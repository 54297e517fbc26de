import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import type { BarDescription, MsixLayout, SoftwareFunction } from '../../src/function.js';
import type { Host } from '../../src/host.js';
import type { DeviceModel } from '../../src/msix/device-model.js';
import { type Policy, policies } from '../../src/policy.js';
import { MemoryHost } from '../memory-host.js';

export const BAR = 0xfe000000;
/** Offsets in BAR 0, on one page with registers at both ends. */
export const TABLE = 0x100;
export const PBA = 0x8800;
const CAPABILITY = 0x60;

export interface SoftwareDeviceOptions {
  readonly policy?: Policy;
  readonly domain?: 'hardware' | 'guest';
  readonly host?: Host;
  readonly bars?: readonly BarDescription[];
  readonly msix?: Partial<MsixLayout>;
  /** A raw configuration space, with the capability at 0x60. */
  readonly config?: Uint8Array;
  /** What the model does beyond recording. */
  readonly model?: Partial<DeviceModel>;
}

/** A device model that records what it is told, with the guest's and the model's side of its function. */
export class SoftwareDevice {
  readonly dispatcher: Dispatcher;
  readonly fn: SoftwareFunction;
  readonly errors: unknown[] = [];
  private log: string[] = [];

  constructor({ policy, domain, host, bars, msix, config, model }: SoftwareDeviceOptions = {}) {
    this.dispatcher = createDispatcher({
      host: host ?? new MemoryHost(),
      policy: policy ?? policies.strict,
      domain: domain ?? 'guest',
      diagnosticLimit: 'none',
      onError: (error) => this.errors.push(error),
    });
    this.fn = this.dispatcher.assign({
      sbdf: 8,
      bars: bars ?? [{ index: 0, type: 'mem32', address: BAR, size: 0x10000 }],
      msix: { count: 2, table: { bir: 0, offset: TABLE }, pba: { bir: 0, offset: PBA }, ...msix },
      decode: true,
      config,
      software: {
        ...model,
        send: (message, vector) => {
          this.log.push(`send ${vector} ${message.data.toString(16)}`);
          model?.send?.(message, vector);
        },
        onVectorUnmasked: (vector, message) => {
          this.log.push(`unmasked ${vector}`);
          model?.onVectorUnmasked?.(vector, message);
        },
        onVectorMasked: (vector) => {
          this.log.push(`masked ${vector}`);
          model?.onVectorMasked?.(vector);
        },
      },
    });
  }

  get interrupts(): SoftwareFunction['interrupts'] {
    return this.fn.interrupts;
  }

  /** All that the model was told since the last time. */
  told(): string[] {
    const { log } = this;
    this.log = [];
    return log;
  }

  /** The messages sent since the last time. */
  sent(): string[] {
    return this.told().filter((line) => line.startsWith('send'));
  }

  /** The guest writes Message Control's upper byte. */
  control(enabled: boolean, functionMask = false): void {
    this.fn.config.write(CAPABILITY + 3, 1, (enabled ? 0x80 : 0) | (functionMask ? 0x40 : 0));
  }

  entry(vector: number): number {
    return BAR + TABLE + 16 * vector;
  }

  writeMessage(vector: number, data: number): void {
    this.dispatcher.write(this.entry(vector), 8, 0xfee00000, 0);
    this.dispatcher.write(this.entry(vector) + 8, 4, data);
  }

  setMask(vector: number, masked: boolean): void {
    this.dispatcher.write(this.entry(vector) + 12, 4, masked ? 1 : 0);
  }

  /** Used, with the message 0x40 + vector, unmasked; MSI-X enabled. */
  start(): this {
    this.interrupts.useAll();
    for (let vector = 0; vector < (this.fn.msix?.count ?? 0); vector++) {
      this.writeMessage(vector, 0x40 + vector);
      this.setMask(vector, false);
    }
    this.control(true);
    this.told();
    return this;
  }
}
