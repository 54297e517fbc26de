import { ADDRESS_LIMIT, PAGE_SIZE } from '../access.js';
import type { Dispatcher } from '../dispatcher.js';
import { TraplineError } from '../errors.js';
import type { BarDescription, GuestRegister, MsixLayout, TrappedFunction } from '../function.js';
import type { Sbdf } from '../sbdf.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { FunctionCounts } from './function-counts.js';

/** A memory BAR, wherever it is at the time. */
export interface ReplayedBar {
  readonly index: number;
  readonly type: 'mem32' | 'mem64' | 'rom';
  readonly size: number;
}

/** Where a function's BARs are decoded, by index; absent ones are not. */
export type Placement = ReadonlyMap<number, number>;

/** A function of the traced machine and its stand-in in the dispatcher. */
export class ReplayedFunction {
  readonly sbdf: Sbdf;
  readonly name: string;
  readonly bars: ReplayedBar[];
  readonly counts = new FunctionCounts();
  /** How often a vector was armed. */
  armed = 0;
  /** Why MSI-X was left out. */
  refusal: string | undefined;
  /** Why its registers were. */
  registerRefusal: string | undefined;
  /** Dwords of the table written since something that may have reset the function; absent: nothing of the kind. */
  sinceReset: Map<number, number> | undefined;
  private readonly dispatcher: Dispatcher;
  private layout: MsixLayout | undefined;
  private registers: readonly GuestRegister[];
  private placement: Placement = new Map();
  private parked = false;
  /** Where BARs are while they are not decoded, by index, if that is known. */
  private readonly undecoded = new Map<number, number>();
  /** By address. */
  private readonly regions = new Map<number, ByteRegion>();
  private fn!: TrappedFunction;

  constructor(
    dispatcher: Dispatcher,
    sbdf: Sbdf,
    name: string,
    bars: readonly ReplayedBar[],
    msix: MsixLayout | undefined,
    registers: readonly GuestRegister[],
  ) {
    this.dispatcher = dispatcher;
    this.sbdf = sbdf;
    this.name = name;
    this.bars = [...bars];
    this.layout = msix;
    this.registers = registers;
    this.assign();
  }

  /** The MSI-X layout, unless it was refused. */
  get msix(): MsixLayout | undefined {
    return this.layout;
  }

  /** Its stand-in. Another one after a reset. */
  get trapped(): TrappedFunction {
    return this.fn;
  }

  /** Whether the BAR may be decoded: the host's word on it, see `Host.mayMapBar`. */
  decodes(index: number): boolean {
    return this.parked || this.placement.has(index);
  }

  /** Decodes exactly these BARs from now on. False: other functions have some of the bytes. */
  place(placement: Placement): boolean {
    this.fn.setDecode(false);
    this.placement = placement;
    for (const [index, address] of this.undecoded) this.fn.moveBar(index, address);
    if (placement.size === 0) return true;
    for (const [index, address] of placement) this.fn.moveBar(index, address);
    return this.fn.setDecode(true) !== 'fail';
  }

  /** A byte of a BAR is the guest's, not the device's. */
  isRegister(index: number, offset: number): boolean {
    return this.registers.some(
      (one) => one.space === `bar${index}` && offset >= one.offset && offset < one.offset + one.width,
    );
  }

  /** A region that is no BAR answers there from now on. Throws as `TrappedFunction.placeRegion`. */
  placeRegion(region: ByteRegion, address: number): void {
    this.removeRegion(address);
    this.fn.placeRegion(region, address);
    this.regions.set(address, region);
  }

  removeRegion(address: number): void {
    const region = this.regions.get(address);
    if (region) this.fn.removeRegion(region);
    this.regions.delete(address);
  }

  /** It moves at once, unless it is decoded. */
  moveUndecoded(index: number, address: number): void {
    this.undecoded.set(index, address);
    this.fn.moveBar(index, address);
  }

  isPlaced(placement: Placement): boolean {
    if (placement.size !== this.placement.size || this.fn.decoding !== placement.size > 0) return false;
    return [...placement].every(([index, address]) => this.placement.get(index) === address);
  }

  /** Table, masks and Message Control as after a reset. BARs and regions stay. */
  reset(): void {
    this.dispatcher.deassign(this.sbdf);
    this.assign();
    for (const [address, region] of this.regions) this.fn.placeRegion(region, address);
    this.place(this.placement);
    this.sinceReset = undefined;
  }

  /** Guest address of a byte of the table; undefined while it is not decoded. */
  tableAddress(offset: number): number | undefined {
    const address = this.layout && this.placement.get(this.layout.table.bir);
    return address === undefined || !this.layout ? undefined : address + this.layout.table.offset + offset;
  }

  private assign(): void {
    const { sbdf, registers, layout: msix } = this;
    this.parked = true;
    const description = { sbdf, bars: park(this.bars), decode: true, registers };
    try {
      this.fn = this.dispatcher.assign(msix ? { ...description, msix } : description);
    } catch (error) {
      if (!(error instanceof TraplineError)) throw error;
      const faults = error.faults.join('; ');
      if (registers.length > 0) {
        this.registerRefusal = faults;
        this.registers = [];
      } else if (msix) {
        this.refusal = faults;
        this.layout = undefined;
      } else {
        throw error;
      }
      this.assign();
      return;
    }
    this.fn.setDecode(false);
    this.parked = false;
  }
}

/** Functions are assigned where no access goes, so that BARs which are not decoded overlap nothing. */
let parking = ADDRESS_LIMIT / 2;

function park(bars: readonly ReplayedBar[]): BarDescription[] {
  return bars.map((bar) => {
    const grain = Math.max(bar.size, PAGE_SIZE);
    const address = Math.ceil(parking / grain) * grain;
    parking = address + grain;
    return { ...bar, address, enabled: true };
  });
}
