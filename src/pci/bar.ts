import type { BarDescription } from '../function.js';
import type { Bar } from '../host.js';
import type { PageCache } from '../memory/page-cache.js';
import type { Policy } from '../policy.js';
import { BAR_GRAIN, IO_GRAIN, IO_SPACE, PREFETCHABLE, ROM_GRAIN, WIDE } from './bar-register.js';
import type { PciFunction } from './function.js';
import { ROM_ENABLE } from './header.js';

/** A BAR of an assigned function. */
export class FunctionBar implements Bar {
  readonly fn: PciFunction;
  readonly index: number;
  readonly type: Bar['type'];
  readonly size: number;
  hostAddress: number;
  enabled: boolean;
  /** The function's decode bit switches it: memory BARs; the ROM only while its own enable bit is set. */
  followsDecode: boolean;
  readonly initiallyEnabled: boolean;
  /** Not I/O, which never traps and is not switched here. */
  readonly isMemory: boolean;
  /** Pages that it does not fill trap, for the sake of what else may be on the host's. Changes only while it is disabled. */
  trapsEdges = false;
  /** A ROM that is answered from its copy, or what is no BAR at all. */
  readonly isCopied: boolean;
  /** What answers in place of the host's pages. */
  pages: PageCache | undefined;
  /** Bytes of the guest's registers, by offset. */
  readonly registers = new Map<number, number>();
  private readonly prefetchable: boolean;
  private readonly initialAddress: number;
  private readonly initialHostAddress: number;
  /** Where it is, as its registers hold it: a guest that sizes a BAR puts it past every address. */
  private low = 0;
  private high = 0;

  constructor(
    fn: PciFunction,
    description: Omit<BarDescription, 'type'> & Pick<Bar, 'type'>,
    decode: boolean,
    rom: Policy['rom'],
  ) {
    this.fn = fn;
    this.index = description.index;
    this.type = description.type;
    this.size = description.size;
    this.address = description.address;
    this.hostAddress = description.hostAddress ?? description.address;
    this.initialAddress = this.address;
    this.initialHostAddress = this.hostAddress;
    const enabled = description.enabled ?? decode;
    this.isMemory = this.type !== 'io';
    this.isCopied = this.type === 'rom' && rom === 'copy';
    this.prefetchable = description.prefetchable ?? false;
    this.followsDecode = this.type === 'rom' ? enabled : this.isMemory;
    this.initiallyEnabled = enabled;
    this.enabled = enabled && !this.isMemory;
  }

  /** Guest-physical. Past 2^53 not exact: no access reaches there. */
  get address(): number {
    return this.high * 2 ** 32 + (this.low >>> 0);
  }

  set address(address: number) {
    this.low = address | 0;
    this.high = Math.floor(address / 2 ** 32) >>> 0;
  }

  /** All of its pages trap. */
  get trapsAll(): boolean {
    return this.isCopied || this.fn.trapAll;
  }

  /** The host address is not the assigned one. */
  get hostMoved(): boolean {
    return this.hostAddress !== this.initialHostAddress;
  }

  /** Its place in two lanes, exact at every one. */
  place(low: number, high: number): void {
    this.low = low | 0;
    this.high = high >>> 0;
  }

  /** Back to where it was assigned, the ROM not enabled. */
  reset(): void {
    this.address = this.initialAddress;
    this.hostAddress = this.initialHostAddress;
    if (this.type === 'rom') this.followsDecode = false;
  }

  /** At host address 0 a physical BAR was never given an address. */
  get isAssigned(): boolean {
    return this.hostAddress !== 0 || this.fn.isSoftware;
  }

  /** The address's low lane, signed. */
  get lowAddress(): number {
    return this.low;
  }

  /** One past the last byte. */
  get end(): number {
    return this.address + this.size;
  }

  /** Host address of a guest address. */
  host(address: number): number {
    return this.hostAddress + (address - this.address);
  }

  /** The low register: address and type bits, or the ROM's enable bit. */
  get lowRegister(): number {
    return (this.low | this.typeBits) >>> 0;
  }

  /** The upper half of a 64-bit BAR. */
  get highRegister(): number {
    return this.high;
  }

  /** A write of the low register: bits below the size are hardwired, which is what makes sizing work. */
  set lowRegister(value: number) {
    const grain = this.type === 'rom' ? ROM_GRAIN : this.type === 'io' ? IO_GRAIN : BAR_GRAIN;
    this.low = value & this.sizeMask & ~(grain - 1);
  }

  set highRegister(value: number) {
    this.high = (value & ~(Math.ceil(this.size / 2 ** 32) - 1)) >>> 0;
  }

  private get sizeMask(): number {
    return this.size >= 2 ** 32 ? 0 : ~(this.size - 1);
  }

  private get typeBits(): number {
    if (this.type === 'io') return IO_SPACE;
    if (this.type === 'rom') return this.followsDecode ? ROM_ENABLE : 0;
    return (this.type === 'mem64' ? WIDE : 0) | (this.prefetchable ? PREFETCHABLE : 0);
  }
}
