import type { MsixLayout } from '../function.js';
import { isInteger } from '../integer.js';
import type { SoftwareMsix } from '../msix/software.js';
import { tableSize } from '../msix-layout.js';
import type { FunctionBar } from '../pci/bar.js';
import { capabilities, POWER_MANAGEMENT } from '../pci/capabilities.js';
import type { PciFunction } from '../pci/function.js';
import { CLASS } from '../pci/header.js';
import { D3HOT, PMCSR, POWER_STATE } from '../pci/reset-registers.js';
import type { Sbdf } from '../sbdf.js';
import { BarRegion, type BarWindows } from './bar-region.js';
import { ConfigRegion } from './config-region.js';
import { BoundedRegion, type DeviceRegion } from './device-region.js';
import { type Errno, errno } from './errno.js';
import type { Gate } from './gate.js';
import { HostPages } from './host-pages.js';
import { IoRegion } from './io-region.js';
import { Ports } from './ports.js';
import {
  CONFIG_REGION,
  describeRegion,
  FIRST_DEVICE_REGION,
  type Region,
  type RegionInfo,
  type RegionPosition,
  ROM_REGION,
  regionPosition,
  VGA_REGION,
} from './region.js';
import { RomRegion } from './rom-region.js';
import { VgaRegion } from './vga-region.js';

/** What a region door is opened with. */
export interface RegionDoorOptions {
  /**
   * `eager`: the ROM is copied and every page of every memory BAR mapped at open, which fails as a whole where one
   * cannot be. `lazy`: a page is mapped when it is first accessed. Either way it stays mapped until the door closes.
   * Default: `lazy`.
   */
  readonly mapping?: 'eager' | 'lazy';
  /** Regions 9 and up, in this order. */
  readonly regions?: readonly DeviceRegion[];
}

/**
 * A function's regions, numbered and addressed as vfio does it: BARs 0 to 5, ROM 6, configuration space 7, VGA 8, the
 * device's own from 9; position 0 of a region is at the offset index * 2^40. Nothing here throws: every method
 * returns one of `errno`, which are negative, where it fails; what a host callback throws goes to `onError`.
 */
export interface RegionDoor {
  /** Of the function. */
  readonly sbdf: Sbdf;
  /** EINVAL: the function has no such region. A BAR or ROM that is not implemented has size 0. */
  regionInfo(index: number): RegionInfo | Errno;
  /**
   * Fills `into` from a position and returns how many bytes it got: fewer where the region ends. Hardware is accessed
   * with 8, 4, 2 or 1 byte, at each step the widest that is aligned; after an errno, some of the bytes may have been
   * transferred. The MSI-X table reads 0xff.
   */
  pread(at: number | RegionPosition, into: Uint8Array): number;
  /** Likewise. Writes to the MSI-X table are dropped, and counted; the ROM's are EINVAL. */
  pwrite(at: number | RegionPosition, from: Uint8Array): number;
  /** Resets the function, as open and close do. 0; EINVAL: it cannot be reset. */
  reset(): 0 | Errno;
  /** Unmaps, resets and releases. From now on everything is EBADF. */
  close(): void;
  /** Closes what somebody else was handed. From now on everything is ENODEV. */
  revoke(): void;
}

/** Reports what the host throws: `attempt` returns false then. */
export interface DoorOwner {
  attempt(fn: PciFunction, work: () => void): boolean;
  failed(sbdf: Sbdf, error: unknown): void;
}

/** Display controller, VGA compatible. */
const VGA_CLASS = 0x0300;

export class FunctionDoor implements RegionDoor, Gate {
  readonly sbdf: Sbdf;
  private readonly fn: PciFunction;
  private readonly owner: DoorOwner;
  private readonly onEnd: () => void;
  private readonly pages: HostPages;
  private readonly regions: (Region | undefined)[] = [];
  private readonly power: number | undefined;
  private resets = false;
  /** 0 while it is open, then what everything returns. */
  private ended: 0 | Errno = 0;

  constructor(fn: PciFunction, owner: DoorOwner, devices: readonly DeviceRegion[], onEnd: () => void) {
    this.sbdf = fn.sbdf;
    this.fn = fn;
    this.owner = owner;
    this.onEnd = onEnd;
    this.pages = new HostPages(fn.pageList, fn.sbdf, fn.createPageHost());
    const { bytes } = fn.config;
    this.power = capabilities(bytes).standard.find(({ id }) => id === POWER_MANAGEMENT)?.offset;
    const ports = new Ports(fn.sbdf, fn.host);
    for (const bar of fn.bars) this.regions[bar.index] = this.regionOf(bar, ports);
    this.regions[CONFIG_REGION] = new ConfigRegion(fn.config, this);
    if (fn.config.stored(CLASS, 2) === VGA_CLASS) {
      this.regions[VGA_REGION] = new VgaRegion(this.pages, ports, this);
    }
    devices.forEach((region, index) => {
      this.regions[FIRST_DEVICE_REGION + index] = new BoundedRegion(FIRST_DEVICE_REGION + index, region);
    });
  }

  /** Claims, resets, and maps where that is asked for. What fails leaves nothing held. */
  open(eager: boolean): 0 | Errno {
    const { fn } = this;
    let claimed = false;
    const asked = this.owner.attempt(fn, () => {
      claimed = fn.host.requestRegions?.(fn.sbdf) ?? true;
    });
    if (!claimed) return asked ? errno.EBUSY : errno.EIO;
    if (this.ended === 0) this.resets = fn.reset();
    let failed = errno.EIO as 0 | Errno;
    this.owner.attempt(fn, () => {
      failed = eager ? this.mapAll() : 0;
    });
    if (failed !== 0 && this.ended === 0) {
      this.ended = failed;
      this.release();
    }
    return this.ended;
  }

  regionInfo(index: number): RegionInfo | Errno {
    if (this.ended !== 0) return this.ended;
    const region = this.regions[index];
    if (!region) return isBar(index) ? describeRegion(index, 0, 0) : errno.EINVAL;
    try {
      return region.info();
    } catch (error) {
      return this.failed(error);
    }
  }

  pread(at: number | RegionPosition, into: Uint8Array): number {
    return this.transfer(at, into.length, (region, position) => region.read(position, into));
  }

  pwrite(at: number | RegionPosition, from: Uint8Array): number {
    return this.transfer(
      at,
      from.length,
      (region, position) => region.write?.(position, from) ?? errno.EINVAL,
    );
  }

  reset(): 0 | Errno {
    const closed = this.check();
    if (closed !== 0) return closed;
    return this.resets && this.fn.reset() ? 0 : errno.EINVAL;
  }

  close(): void {
    this.end(errno.EBADF);
  }

  revoke(): void {
    this.end(errno.ENODEV);
  }

  checkOpen(): 0 | Errno {
    return this.ended;
  }

  check(): 0 | Errno {
    return this.ended || (this.fn.rom?.copying ? errno.EAGAIN : 0);
  }

  checkMemory(): 0 | Errno {
    const { fn, power } = this;
    const closed = this.check();
    if (closed !== 0) return closed;
    if (!fn.decoding && !fn.virtual) return errno.EIO;
    const asleep = power !== undefined && (fn.config.stored(power + PMCSR, 2) & POWER_STATE) === D3HOT;
    return asleep ? errno.EIO : 0;
  }

  private regionOf(bar: FunctionBar, ports: Ports): Region | undefined {
    const { rom, msix } = this.fn;
    if (bar.type === 'rom') return rom && new RomRegion(bar, rom, this);
    if (bar.type === 'io') return new IoRegion(bar, ports, this);
    return new BarRegion(bar, msix ? windowsOf(bar, msix, this.fn.interrupts) : {}, this.pages, this);
  }

  /** The ROM first: nothing of the BARs is in use yet. */
  private mapAll(): 0 | Errno {
    const rom = this.regions[ROM_REGION] as RomRegion | undefined;
    let failed = rom?.copy() ?? 0;
    for (const region of this.regions) {
      if (failed === 0 && region instanceof BarRegion) failed = region.mapAll();
    }
    return failed;
  }

  private transfer(
    at: number | RegionPosition,
    count: number,
    work: (region: Region, position: number) => number,
  ): number {
    if (this.ended !== 0) return this.ended;
    if (count === 0) return 0;
    const found = regionPosition(at);
    const region = found && this.regions[found.index];
    if (!region) return errno.EINVAL;
    try {
      const result = work(region, found.position);
      return result < 0 ? this.ended || result : result;
    } catch (error) {
      return this.failed(error);
    }
  }

  private failed(error: unknown): Errno {
    this.owner.failed(this.sbdf, error);
    return errno.EIO;
  }

  private end(how: Errno): void {
    if (this.ended !== 0) return;
    this.ended = how;
    this.release();
  }

  /** Releases the regions last: nobody else gets the function before it is reset. */
  private release(): void {
    const { fn, owner } = this;
    owner.attempt(fn, () => this.pages.release());
    if (this.resets) owner.attempt(fn, () => fn.reset());
    owner.attempt(fn, () => fn.host.releaseRegions?.(fn.sbdf));
    this.onEnd();
  }
}

function windowsOf(bar: FunctionBar, { table, pba, count }: MsixLayout, msix?: SoftwareMsix): BarWindows {
  const { index } = bar;
  const range = (offset: number, size: number) => ({ start: offset, end: offset + size });
  return {
    ...(table.bir === index && { table: range(table.offset, tableSize(count)) }),
    ...(msix &&
      pba.bir === index && {
        pending: { ...range(pba.offset, msix.pendingPage.size), page: msix.pendingPage },
      }),
  };
}

const isBar = (index: number): boolean => isInteger(index, 0, ROM_REGION);
