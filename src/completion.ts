import {
  FORWARDED,
  FORWARDED_AT,
  HIGH,
  OFFSET,
  OTHER,
  REFUSED,
  SPLIT,
  STATUS,
  VECTOR,
} from '../assembly/layout.js';
import { addressOf, ones, type Width } from './access.js';
import type { DiagnosticCode, DiagnosticCounter } from './diagnostics.js';
import type { Domain } from './domain.js';
import type { MappedPage } from './memory/mapped-page.js';
import type { PciFunction } from './pci/function.js';
import type { Sbdf } from './sbdf.js';
import { type ByteOwner, type ByteTarget, byFunction, byOwner, type Straddle } from './straddle.js';

/** What of a domain accesses need. */
export type AccessDomain = Pick<
  Domain,
  | 'core'
  | 'policy'
  | 'hardware'
  | 'diagnostics'
  | 'pageList'
  | 'functions'
  | 'generation'
  | 'failed'
  | 'locate'
>;

/**
 * Finishes the accesses that the core claims but cannot answer alone: host pages, refusals, mask changes. Lanes and
 * results are signed: 32-bit signed integers pass between functions without allocation.
 */
export class Completion {
  readonly domain: AccessDomain;
  private readonly pages: readonly MappedPage[];
  private readonly unalignedRead: DiagnosticCounter;
  private readonly unalignedWrite: DiagnosticCounter;
  private readonly refused: DiagnosticCounter;
  /** The function whose host page is in use. */
  private inUse: Sbdf = 0;

  constructor(domain: AccessDomain) {
    this.domain = domain;
    this.pages = domain.pageList.pages;
    this.unalignedRead = domain.diagnostics.of('unaligned-read');
    this.unalignedWrite = domain.diagnostics.of('unaligned-write');
    this.refused = domain.diagnostics.of('bad-size');
  }

  // One method a direction, too long for V8 to inline: that keeps Dispatcher.read and write short enough to be inlined
  // into their callers, without which every address and value above 2^31 would be allocated.

  /** The value, of 8 bytes its low lane; the high one is in HIGH. */
  read(outcome: number, low: number, high: number, width: Width): number {
    const { domain } = this;
    const page = this.pages[outcome >>> 8];
    this.inUse = page.sbdf;
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
        case FORWARDED_AT: {
          const offset = (outcome & 0xff) === FORWARDED ? low & 0xfff : domain.core.cells[OFFSET / 4];
          if (!page.mapped && !this.map(page, 'map-failed-read', addressOf(low, high))) break;
          const value = page.read(offset, width);
          if (width === 8) domain.core.cells[HIGH / 4] = page.high;
          return value;
        }
        case SPLIT: {
          if (domain.policy.lookupBeforeSplit && !page.mapped) {
            if (!this.map(page, 'map-failed-read', addressOf(low, high))) break;
          }
          this.unalignedRead.report(page.sbdf, addressOf(low, high));
          if (!page.mapped) return this.readUnmapped(page, low & 0xfff, width, addressOf(low, high));
          const value = page.readBytes(low & 0xfff, width);
          if (width === 8) domain.core.cells[HIGH / 4] = page.high;
          return value;
        }
        case REFUSED:
          this.refused.report(page.sbdf, addressOf(low, high));
          break;
        case OTHER:
          return this.readAnyWidth(low, high, width);
        default:
          return this.readStraddle(page, width, addressOf(low, high));
      }
    } catch (error) {
      domain.failed(this.inUse, error);
    }
    return this.allOnes(width);
  }

  write(outcome: number, low: number, high: number, width: Width, data: number, dataHigh: number): void {
    const { domain } = this;
    const page = this.pages[outcome >>> 8];
    this.inUse = page.sbdf;
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
        case FORWARDED_AT: {
          const offset = (outcome & 0xff) === FORWARDED ? low & 0xfff : domain.core.cells[OFFSET / 4];
          if (!page.mapped && !this.map(page, 'map-failed-write', addressOf(low, high))) break;
          page.write(offset, width, data, dataHigh);
          break;
        }
        case VECTOR: {
          const fn = domain.functions.get(page.sbdf) as PciFunction;
          fn.msixState?.maskChanged(fn.entryAt(low), fn.host);
          break;
        }
        case SPLIT:
          if (domain.policy.lookupBeforeSplit && !page.mapped) {
            if (!this.map(page, 'map-failed-write', addressOf(low, high))) break;
          }
          this.unalignedWrite.report(page.sbdf, addressOf(low, high));
          if (page.mapped) page.writeBytes(low & 0xfff, width, data, dataHigh);
          else this.writeUnmapped(page, low & 0xfff, width, data, dataHigh, addressOf(low, high));
          break;
        case REFUSED:
          this.refused.report(page.sbdf, addressOf(low, high));
          break;
        default:
          this.writeStraddle(page, width, data, dataHigh, addressOf(low, high));
      }
    } catch (error) {
      domain.failed(this.inUse, error);
    }
  }

  /** Through the core's door for any width. */
  private readAnyWidth(low: number, high: number, width: Width): number {
    const { exports, cells } = this.domain.core;
    const value = exports.read(addressOf(low, high), width);
    if (value !== -1) return value;
    const outcome = cells[STATUS / 4];
    cells[STATUS / 4] = 0;
    return outcome === 0 ? -1 : this.read(outcome, low, high, width);
  }

  /** Each byte asks for the page until it is there. */
  private readUnmapped(page: MappedPage, offset: number, width: Width, address: number): number {
    return this.joinBytes(width, (index) =>
      page.mapped || this.map(page, 'map-failed-read', address) ? page.read(offset + index, 1) : 0xff,
    );
  }

  private writeUnmapped(
    page: MappedPage,
    offset: number,
    width: Width,
    data: number,
    dataHigh: number,
    address: number,
  ): void {
    this.eachByte(width, data, dataHigh, (index, byte) => {
      if (page.mapped || this.map(page, 'map-failed-write', address)) page.write(offset + index, 1, byte, 0);
    });
  }

  private readStraddle(first: MappedPage, width: Width, address: number): number {
    const straddle = this.straddle(first, width, address, false);
    if (straddle.kind === 'refused') this.refused.report(straddle.sbdf, address);
    if (straddle.kind !== 'bytes' || !this.begin(straddle, address, 'map-failed-read', 'unaligned-read')) {
      return this.allOnes(width);
    }
    return this.joinBytes(width, (index) => this.readByte(straddle.bytes[index], address + index));
  }

  protected readByte(owner: ByteOwner, address: number): number {
    const to = this.target(owner, 'map-failed-read', address);
    return to ? to.page.read(to.offset, 1) : 0xff;
  }

  /** The bytes of an access, low address first, as its lanes. Once pages were dropped the rest is all ones. */
  private joinBytes(width: Width, byteAt: (index: number) => number): number {
    const { generation } = this.domain;
    const lanes = [0, 0];
    for (let index = 0; index < width; index++) {
      const byte = generation === this.domain.generation ? byteAt(index) & 0xff : 0xff;
      lanes[index >> 2] |= byte << (8 * (index & 3));
    }
    if (width === 8) this.domain.core.cells[HIGH / 4] = lanes[1];
    return lanes[0];
  }

  private writeStraddle(
    first: MappedPage,
    width: Width,
    data: number,
    dataHigh: number,
    address: number,
  ): void {
    const straddle = this.straddle(first, width, address, true);
    if (straddle.kind === 'refused') this.refused.report(straddle.sbdf, address);
    if (straddle.kind !== 'bytes') return;
    if (!this.begin(straddle, address, 'map-failed-write', 'unaligned-write')) return;
    this.eachByte(width, data, dataHigh, (index, byte) =>
      this.writeByte(straddle.bytes[index], address + index, byte),
    );
  }

  protected writeByte(owner: ByteOwner, address: number, byte: number): void {
    const to = this.target(owner, 'map-failed-write', address);
    to?.page.write(to.offset, 1, byte, 0);
  }

  /** Hands out the bytes of a write, low address first, until pages are dropped. */
  private eachByte(
    width: Width,
    data: number,
    dataHigh: number,
    work: (index: number, byte: number) => void,
  ): void {
    const { generation } = this.domain;
    for (let index = 0; index < width && generation === this.domain.generation; index++) {
      work(index, ((index < 4 ? data : dataHigh) >>> (8 * (index & 3))) & 0xff);
    }
  }

  private straddle(first: MappedPage, width: Width, address: number, writes: boolean): Straddle {
    if (this.domain.policy.crossing === 'split') {
      return byOwner(address, width, this.domain.policy, (at) => this.domain.locate(at));
    }
    const fn = this.domain.functions.get(first.sbdf) as PciFunction;
    return byFunction(fn, address, width, this.domain.policy, writes, this.domain.hardware);
  }

  /** What comes before the bytes of a straddle. False: it ends there. */
  private begin(
    straddle: Straddle & { kind: 'bytes' },
    address: number,
    mapFailed: DiagnosticCode,
    unaligned: DiagnosticCode,
  ): boolean {
    const [first] = straddle.bytes;
    if (this.domain.policy.lookupBeforeSplit && first.kind === 'forward') {
      if (!first.page.mapped && !this.map(first.page, mapFailed, address)) return false;
    }
    this.domain.diagnostics.report(unaligned, straddle.sbdf, address);
    return true;
  }

  /** Where a byte is forwarded to, mapped, if it is. */
  private target(owner: ByteOwner, failure: DiagnosticCode, address: number): ByteTarget | undefined {
    if (owner.kind === 'refused') this.refused.report(owner.sbdf, address);
    if (owner.kind !== 'forward') return undefined;
    this.inUse = owner.page.sbdf;
    return owner.page.mapped || this.map(owner.page, failure, address) ? owner : undefined;
  }

  private map(page: MappedPage, failure: DiagnosticCode, address: number): boolean {
    if (page.map()) return true;
    this.domain.diagnostics.report(failure, page.sbdf, address);
    return false;
  }

  private allOnes(width: Width): number {
    if (width === 8) this.domain.core.cells[HIGH / 4] = 0xffffffff;
    return ones(width) | 0;
  }
}
