import { FORWARDED, FORWARDED_AT, HIGH, OFFSET, REFUSED, SPLIT, VECTOR } from '../assembly/layout.js';
import { addressOf, ones, PAGE_SIZE, type Width } from './access.js';
import type { DiagnosticCode, DiagnosticCounter } from './diagnostics.js';
import type { Domain } from './domain.js';
import type { MappedPage } from './memory/mapped-page.js';
import type { PciFunction } from './pci/function.js';
import type { Sbdf } from './sbdf.js';
import { type ByteOwner, type ByteTarget, byFunction, byOwner, type Straddle } from './straddle.js';

/**
 * Finishes the accesses that the core claims but cannot answer alone: host pages, refusals, mask changes. Lanes and
 * results are signed: 32-bit signed integers pass between functions without allocation.
 */
export class Completion {
  private readonly domain: Domain;
  private readonly pages: readonly MappedPage[];
  private readonly unalignedRead: DiagnosticCounter;
  /** The function whose host page is in use. */
  private inUse: Sbdf = 0;

  constructor(domain: Domain) {
    this.domain = domain;
    this.pages = domain.pageList.pages;
    this.unalignedRead = domain.diagnostics.of('unaligned-read');
  }

  /** The value, of 8 bytes its low lane; the high one is in HIGH. */
  read(outcome: number, low: number, high: number, width: Width): number {
    const page = this.pages[outcome >>> 8];
    this.inUse = page.sbdf;
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
          return this.readPage(page, low & 0xfff, width, low, high);
        case SPLIT:
          return this.readSplit(page, width, low, high);
        case FORWARDED_AT:
          return this.readPage(page, this.domain.core.words[OFFSET / 4], width, low, high);
        case REFUSED:
          this.domain.diagnostics.report('bad-size', page.sbdf, addressOf(low, high));
          return this.allOnes(width);
        default:
          return this.readStraddle(page, width, addressOf(low, high));
      }
    } catch (error) {
      this.domain.failed(this.inUse, error);
      return this.allOnes(width);
    }
  }

  private readPage(page: MappedPage, offset: number, width: Width, low: number, high: number): number {
    if (!page.mapped && !this.map(page, 'map-failed-read', addressOf(low, high))) return this.allOnes(width);
    const value = page.read(offset, width);
    if (width === 8) this.domain.core.words[HIGH / 4] = page.high;
    return value;
  }

  private readSplit(page: MappedPage, width: Width, low: number, high: number): number {
    if (this.domain.policy.lookupBeforeSplit && !page.mapped) {
      if (!this.map(page, 'map-failed-read', addressOf(low, high))) return this.allOnes(width);
    }
    this.unalignedRead.report(page.sbdf, addressOf(low, high));
    const offset = low & 0xfff;
    if (!page.mapped)
      return this.joinBytes(width, (index) => this.readPage(page, offset + index, 1, low, high));
    const value = page.readBytes(offset, width);
    if (width === 8) this.domain.core.words[HIGH / 4] = page.high;
    return value;
  }

  private readStraddle(first: MappedPage, width: Width, address: number): number {
    const straddle = this.straddle(first, width, address, false);
    if (straddle.kind === 'refused') this.domain.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes' || !this.begin(straddle, address, 'map-failed-read', 'unaligned-read')) {
      return this.allOnes(width);
    }
    return this.joinBytes(width, (index) => {
      const to = this.target(straddle.bytes[index], 'map-failed-read', address + index);
      return to ? to.page.read(to.offset, 1) : 0xff;
    });
  }

  /** The bytes of an access, low address first, as its lanes. Once pages were dropped the rest is all ones. */
  private joinBytes(width: Width, byteAt: (index: number) => number): number {
    const { generation } = this.domain;
    const lanes = [0, 0];
    for (let index = 0; index < width; index++) {
      const byte = generation === this.domain.generation ? byteAt(index) & 0xff : 0xff;
      lanes[index >> 2] |= byte << (8 * (index & 3));
    }
    if (width === 8) this.domain.core.words[HIGH / 4] = lanes[1];
    return lanes[0];
  }

  write(outcome: number, low: number, high: number, width: Width, data: number, dataHigh: number): void {
    const page = this.pages[outcome >>> 8];
    this.inUse = page.sbdf;
    try {
      switch (outcome & 0xff) {
        case FORWARDED:
          if (page.mapped || this.map(page, 'map-failed-write', addressOf(low, high))) {
            page.write(low & 0xfff, width, data, dataHigh);
          }
          break;
        case VECTOR:
          this.vectorChanged(page, addressOf(low, high));
          break;
        case SPLIT:
          this.writeSplit(page, width, data, dataHigh, addressOf(low, high));
          break;
        case FORWARDED_AT: {
          const offset = this.domain.core.words[OFFSET / 4];
          if (page.mapped || this.map(page, 'map-failed-write', addressOf(low, high))) {
            page.write(offset, width, data, dataHigh);
          }
          break;
        }
        case REFUSED:
          this.domain.diagnostics.report('bad-size', page.sbdf, addressOf(low, high));
          break;
        default:
          this.writeStraddle(page, width, data, dataHigh, addressOf(low, high));
      }
    } catch (error) {
      this.domain.failed(this.inUse, error);
    }
  }

  private writeSplit(page: MappedPage, width: Width, data: number, dataHigh: number, address: number): void {
    if (this.domain.policy.lookupBeforeSplit && !page.mapped) {
      if (!this.map(page, 'map-failed-write', address)) return;
    }
    this.domain.diagnostics.report('unaligned-write', page.sbdf, address);
    const offset = address % PAGE_SIZE;
    if (page.mapped) {
      page.writeBytes(offset, width, data, dataHigh);
      return;
    }
    this.eachByte(width, data, dataHigh, (index, byte) => {
      if (page.mapped || this.map(page, 'map-failed-write', address)) page.write(offset + index, 1, byte, 0);
    });
  }

  private writeStraddle(
    first: MappedPage,
    width: Width,
    data: number,
    dataHigh: number,
    address: number,
  ): void {
    const straddle = this.straddle(first, width, address, true);
    if (straddle.kind === 'refused') this.domain.diagnostics.report('bad-size', straddle.sbdf, address);
    if (straddle.kind !== 'bytes') return;
    if (!this.begin(straddle, address, 'map-failed-write', 'unaligned-write')) return;
    this.eachByte(width, data, dataHigh, (index, byte) => {
      const to = this.target(straddle.bytes[index], 'map-failed-write', address + index);
      to?.page.write(to.offset, 1, byte, 0);
    });
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
    if (owner.kind === 'refused') this.domain.diagnostics.report('bad-size', owner.sbdf, address);
    if (owner.kind !== 'forward') return undefined;
    this.inUse = owner.page.sbdf;
    return owner.page.mapped || this.map(owner.page, failure, address) ? owner : undefined;
  }

  private map(page: MappedPage, failure: DiagnosticCode, address: number): boolean {
    if (page.map(this.domain.host)) return true;
    this.domain.diagnostics.report(failure, page.sbdf, address);
    return false;
  }

  private vectorChanged(page: MappedPage, address: number): void {
    const fn = this.domain.functions.get(page.sbdf) as PciFunction;
    const index = Math.floor((address - (fn.table as { start: number }).start) / 16);
    fn.msixState?.maskChanged(index, this.domain.host);
  }

  private allOnes(width: Width): number {
    if (width === 8) this.domain.core.words[HIGH / 4] = 0xffffffff;
    return ones(width) | 0;
  }
}
