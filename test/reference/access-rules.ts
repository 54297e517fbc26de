import { PAGE_SIZE, pageOf, type Width } from '../../src/access.js';
import type { HostPage } from '../../src/host.js';
import { type Context, callHost } from './context.js';
import { contains, touches } from './range.js';
import { holdsRegister, isMappable, type ReferenceFunction } from './reference-function.js';
import type { ReferenceRegion } from './region.js';

export interface Access {
  readonly address: number;
  readonly width: number;
  /** What is written; undefined for a read. */
  readonly value: bigint | undefined;
}

/** What one byte belongs to, and so what a read and a write of it mean. */
type Owner =
  | { readonly kind: 'table' | 'pba' | 'forward'; readonly f: ReferenceFunction }
  | { readonly kind: 'region'; readonly f: ReferenceFunction; readonly region: ReferenceRegion }
  | { readonly kind: 'nobody' };

type OwnerOf = (address: number) => Owner;

/** A dropped access reads all ones, in all 64 bits. */
const ONES = 0xffffffffffffffffn;

/** The value read (anything for a write); undefined when no function claims the address. */
export function answer(context: Context, access: Access): bigint | undefined {
  const ownerOf = ownersOnPage(context, access.address);
  return ownerOf && new Rules(context, ownerOf).access(access);
}

/** The page of the first byte decides whether an access is claimed, and by whose rules. */
function ownersOnPage(context: Context, address: number): OwnerOf | undefined {
  const page = pageOf(address);
  if (context.policy.sharedPage === 'newest') {
    const newest = context.functions.find((f) => f.trapsStructure(page));
    return newest && ((byte) => ownerWithin(newest, byte));
  }
  const holdsStructure = context.functions.some((f) => f.trapsStructure(page));
  const bars = context.functions.flatMap((f) => f.enabledBarsIn(page));
  const held = bars.some((bar) => !isMappable(context, bar) || holdsRegister(bar, page));
  const regions = context.functions.flatMap((f) => f.ranges).filter((region) => touches(region, page));
  const traps = holdsStructure || bars.length > 1 || held || regions.length > 0;
  return traps ? (byte) => ownerAmongAll(context, byte) : undefined;
}

/** Xen: one function has the whole page, whether the BARs are enabled or not. The PBA goes before the table. */
function ownerWithin(f: ReferenceFunction, byte: number): Owner {
  if (f.pba && contains(f.pba, byte)) return { kind: 'pba', f };
  if (f.table && contains(f.table, byte)) return { kind: 'table', f };
  return f.holdsStructure(pageOf(byte)) ? { kind: 'forward', f } : { kind: 'nobody' };
}

/** Strict: each byte belongs to the enabled BAR that it lies in, and there to PBA, table, or the device's memory. */
function ownerAmongAll(context: Context, byte: number): Owner {
  for (const f of context.functions) {
    if (f.pba?.enabled && contains(f.pba, byte)) return { kind: 'pba', f };
    if (f.table?.enabled && contains(f.table, byte)) return { kind: 'table', f };
    if (f.enabledBarAt(byte)) return { kind: 'forward', f };
    const region = f.ranges.find((one) => contains(one, byte));
    if (region) return { kind: 'region', f, region };
  }
  return { kind: 'nobody' };
}

class Rules {
  private readonly context: Context;
  private readonly ownerOf: OwnerOf;

  constructor(context: Context, ownerOf: OwnerOf) {
    this.context = context;
    this.ownerOf = ownerOf;
  }

  access(access: Access): bigint {
    const first = this.ownerOf(access.address);
    if (this.context.policy.crossing === 'drop') {
      if (first.kind === 'table') return this.table(first.f, access);
      const last = this.ownerOf(access.address + access.width - 1);
      return reachesHost(first) && reachesHost(last) ? this.reach(access, first, last) : ONES;
    }
    for (let i = 1; i < access.width; i++) {
      if (!sameSpan(first, this.ownerOf(access.address + i))) return this.split(access);
    }
    return this.byOneOwner(access, first);
  }

  private byOneOwner(access: Access, owner: Owner): bigint {
    if (owner.kind === 'nobody') return ONES;
    if (owner.kind === 'region') return this.region(access, owner.region);
    return owner.kind === 'table' ? this.table(owner.f, access) : this.reach(access, owner, owner);
  }

  /** Any width; unaligned, byte by byte. */
  private region(access: Access, region: ReferenceRegion): bigint {
    if (!aligned(access)) return this.split(access);
    if (access.value === undefined) return region.read(access.address, access.width);
    region.write(access.address, access.width, access.value);
    return ONES;
  }

  /** "Software must use aligned full DWORD or aligned full QWORD"; the rest reads ones and is dropped. */
  private table(f: ReferenceFunction, access: Access): bigint {
    if (!aligned(access) || access.width < 4) return this.badSize(f, access);
    const fromStart = access.address - f.table!.start;
    const index = Math.floor(fromStart / 16);
    const field = (this.context.policy.field === 'entry' ? fromStart : access.address) % 16;
    if (access.value === undefined) return f.vectors!.read(index, field, access.width);
    f.vectors!.write(index, field, access.width, access.value);
    return ONES;
  }

  /** PBA or device memory: to the host page, under the PBA's rules. */
  private reach(access: Access, first: Reaching, last: Reaching): bigint {
    const { policy, hardware } = this.context;
    if (first.kind === 'pba' && !this.pbaAllows(access)) return this.badSize(first.f, access);
    const pbaTouched = first.kind === 'pba' || (policy.pbaWriteDropsWhole && last.kind === 'pba');
    if (access.value !== undefined && !hardware && pbaTouched) return ONES;

    if (aligned(access)) return this.forward(access, first.f);
    if (policy.lookupBeforeSplit && !this.hostPage(access, first.f)) return ONES;
    return this.split(access);
  }

  private pbaAllows(access: Access): boolean {
    const { pbaWidths } = this.context.policy;
    return (pbaWidths & access.width) !== 0 && (aligned(access) || pbaWidths === 15);
  }

  /** Byte after byte from the lowest address, each by its owner's rule for one byte. */
  private split(access: Access): bigint {
    const bytes = bytesOf(access);
    const somebody = bytes.map(({ address }) => this.ownerOf(address)).find(isSomebody);
    if (somebody) {
      const code = access.value === undefined ? 'unaligned-read' : 'unaligned-write';
      this.context.diagnostics.report(code, somebody.f.sbdf, access.address);
    }
    return bytes.reduce((value, byte, i) => {
      const owner = this.ownerOf(byte.address);
      // Xen's bytes of an adjacent access stay adjacent ones: the table does not answer them.
      const dropped = owner.kind === 'table' && this.context.policy.crossing === 'drop';
      const read = dropped ? ONES : this.byOneOwner(byte, owner);
      return value | ((read & 0xffn) << BigInt(8 * i));
    }, 0n);
  }

  private forward(access: Access, f: ReferenceFunction): bigint {
    const page = this.hostPage(access, f);
    if (!page) return ONES;
    const offset = this.hostAddress(access.address, f).offset;
    const width = access.width as Width;
    const bytes = bytesOf(access);
    const registers = bytes.map(({ address }) => this.registerAt(address, f));
    return callHost(f.sbdf, () => {
      if (access.value === undefined) {
        const whole = registers.includes(undefined) ? readPage(page, offset, width) : 0n;
        return registers.reduce<bigint>((value, byte, i) => withByte(value, i, byte), whole);
      }
      if (registers.every((byte) => byte === undefined)) writePage(page, offset, width, access.value);
      else {
        for (const [i, byte] of bytes.entries()) {
          if (registers[i] === undefined) writePage(page, offset + i, 1, byte.value!);
        }
      }
      return ONES;
    });
  }

  /** A register's byte is the guest's by whichever BAR of the function it is reached; a ROM's copy has none. */
  private registerAt(byte: number, f: ReferenceFunction): number | undefined {
    if (this.context.policy.sharedPage === 'newest') return undefined;
    const at = f.enabledBarAt(byte)!;
    if (at.type === 'rom') return undefined;
    const host = at.hostAddress + (byte - at.address);
    return f.memoryBars
      .map((bar) => bar.registers.get(host - bar.hostAddress))
      .find((value) => value !== undefined);
  }

  private hostPage(access: Access, f: ReferenceFunction): HostPage | undefined {
    const { key, page } = this.hostAddress(access.address, f);
    const isCopy = this.context.policy.rom === 'copy' && f.enabledBarAt(access.address)?.type === 'rom';
    const mapped = isCopy ? f.rom?.page(page) : f.pages.get(key, page);
    if (!mapped) {
      const code = access.value === undefined ? 'map-failed-read' : 'map-failed-write';
      this.context.diagnostics.report(code, f.sbdf, access.address);
    }
    return mapped;
  }

  /** The host page that answers a forwarded byte, what the function's cache calls it, and the offset there. */
  private hostAddress(byte: number, f: ReferenceFunction): { key: number; page: number; offset: number } {
    if (this.context.policy.tailPage === 'last-byte') {
      const bar = f.enabledBarAt(byte)!;
      const host = bar.hostAddress + (byte - bar.address);
      return { key: pageOf(host), page: pageOf(host), offset: host % PAGE_SIZE };
    }
    // Xen's four slots: table head, table tail, PBA head, PBA tail. A tail maps the page of the byte after it.
    const [table, pba] = f.structures;
    const page = pageOf(byte);
    const offset = byte % PAGE_SIZE;
    if (page === pageOf(table.start)) return { key: 0, page: pageOf(table.hostStart), offset };
    if (page === pageOf(table.end - 1)) {
      return { key: 1, page: pageOf(table.hostEnd), offset };
    }
    if (page === pageOf(pba.start)) return { key: 2, page: pageOf(pba.hostStart), offset };
    return { key: 3, page: pageOf(pba.hostEnd), offset };
  }

  private badSize(f: ReferenceFunction, access: Access): bigint {
    this.context.diagnostics.report('bad-size', f.sbdf, access.address);
    return ONES;
  }
}

type Somebody = Extract<Owner, { f: ReferenceFunction }>;
type Reaching = Exclude<Somebody, { kind: 'region' }>;

const isSomebody = (owner: Owner): owner is Somebody => owner.kind !== 'nobody';

/** Xen's "adjacent": the PBA as well. */
const reachesHost = (owner: Owner): owner is Reaching => owner.kind === 'pba' || owner.kind === 'forward';

const sameSpan = (a: Owner, b: Owner): boolean =>
  a.kind === b.kind &&
  (isSomebody(a) ? a.f : undefined) === (isSomebody(b) ? b.f : undefined) &&
  (a.kind === 'region' ? a.region : undefined) === (b.kind === 'region' ? b.region : undefined);

const aligned = ({ address, width }: Access): boolean => address % width === 0;

const bytesOf = ({ address, width, value }: Access): Access[] =>
  Array.from({ length: width }, (_, i) => ({
    address: address + i,
    width: 1,
    value: value === undefined ? undefined : (value >> BigInt(8 * i)) & 0xffn,
  }));

const withByte = (value: bigint, index: number, byte: number | undefined): bigint => {
  const shift = BigInt(8 * index);
  return byte === undefined ? value : (value & ~(0xffn << shift)) | (BigInt(byte) << shift);
};

/** Zero-extended. */
function readPage(page: HostPage, offset: number, width: Width): bigint {
  if (page instanceof Uint8Array) {
    return page
      .subarray(offset, offset + width)
      .reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }
  const high = new Uint32Array(1);
  const low = BigInt(page.read(offset, width, high) >>> 0);
  return BigInt.asUintN(8 * width, low | (width === 8 ? BigInt(high[0]) << 32n : 0n));
}

function writePage(page: HostPage, offset: number, width: Width, value: bigint): void {
  if (page instanceof Uint8Array) {
    for (let i = 0; i < width; i++) page[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  } else {
    page.write(offset, width, Number(value & 0xffffffffn), Number(value >> 32n));
  }
}
