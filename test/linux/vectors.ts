import type { Dispatcher } from 'trapline';
import { MSIX } from '../../examples/nvme/config-space.js';
import { type Nvme, PBA, TABLE, VECTORS } from '../../examples/nvme/nvme.js';

const MESSAGE_CONTROL = MSIX + 2;
const BAR0 = 0x10;
const ENTRY_SIZE = 16;
const VECTOR_CONTROL = 12;

/** The controller's MSI-X as its guest sees it. */
export class Vectors {
  private readonly dispatcher: Dispatcher;
  private readonly config: Nvme['fn']['config'];

  constructor(dispatcher: Dispatcher, { fn }: Nvme) {
    this.dispatcher = dispatcher;
    this.config = fn.config;
  }

  /** MSI-X is enabled and the function not masked. */
  get enabled(): boolean {
    return (this.config.read(MESSAGE_CONTROL, 2) & 0xc000) === 0x8000;
  }

  /** Those that are not masked. */
  get open(): number[] {
    return Array.from({ length: VECTORS }, (_, vector) => vector).filter(
      (vector) => this.dispatcher.read(this.control(vector), 4) === 0,
    );
  }

  mask(vector: number, masked: boolean): void {
    this.dispatcher.write(this.control(vector), 4, Number(masked));
  }

  pending(vector: number): boolean {
    return ((this.dispatcher.read(this.bar + PBA, 4) as number) & (1 << vector)) !== 0;
  }

  private get bar(): number {
    return (this.config.read(BAR0, 4) & ~0xf) >>> 0;
  }

  private control(vector: number): number {
    return this.bar + TABLE + ENTRY_SIZE * vector + VECTOR_CONTROL;
  }
}
