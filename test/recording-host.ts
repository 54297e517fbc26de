import { PAGE_SIZE, type Width } from '../src/access.js';
import { BackingMemory } from '../src/conform/backing-memory.js';
import type { Bar, GuestMapping, Host, HostPage, Vector } from '../src/host.js';
import type { OwnPage } from '../src/memory/own-pages.js';
import type { Sbdf } from '../src/sbdf.js';

const hex = (value: number): string => value.toString(16);

/** What a call that `throwAt` names throws. */
export class HostError extends Error {}

/** Hardware that records what is done to it. Pages hold a pattern that names their physical address. */
export class RecordingHost implements Host {
  /** One line a call that changes or touches something. */
  calls: string[] = [];
  readonly unmappable = new Set<number>();
  readonly guestPages = new Map<number, GuestMapping>();
  /** sbdf:index of BARs whose decoding may not change. */
  readonly stuckBars = new Set<string>();
  /** Throws at the call with this number, counted from 1; 0: never. */
  throwAt = 0;
  /** Pages are plain memory, whose accesses cannot be seen. */
  readonly plain: boolean;
  private readonly plainPages = new Map<number, Pick<OwnPage, 'bytes'>>();
  /** Where plain pages come from. */
  createPage: () => Pick<OwnPage, 'bytes'> = () => ({ bytes: new Uint8Array(PAGE_SIZE) });
  private readonly memory = new BackingMemory();
  private count = 0;

  constructor(plain = false) {
    this.plain = plain;
  }

  /** The calls since the last time, with the notes among them. */
  take(): string[] {
    const { calls } = this;
    this.calls = [];
    this.count = 0;
    return calls;
  }

  /** Puts something else in its place among the calls. */
  note(text: string): void {
    this.calls.push(text);
  }

  mapPage(address: number, sbdf: Sbdf): HostPage | null {
    const failed = this.unmappable.has(address);
    this.record(`${failed ? 'mapfail' : 'map'} ${sbdf} ${hex(address)}`);
    if (failed) return null;
    if (this.plain) return this.plainPage(address);
    return {
      read: (offset, width, high) => this.load(address, offset, width, high),
      write: (offset, width, low, high) => this.store(address, offset, width, low, high),
    };
  }

  unmapPage(address: number, sbdf: Sbdf): void {
    this.record(`unmap ${sbdf} ${hex(address)}`);
  }

  guestMapping(address: number): GuestMapping {
    return this.guestPages.get(address) ?? 'none';
  }

  removeGuestMapping(address: number): void {
    this.record(`hole ${hex(address)}`);
    this.guestPages.delete(address);
  }

  mayMapBar(sbdf: Sbdf, bar: Bar): boolean {
    return !this.stuckBars.has(`${sbdf}:${bar.index}`);
  }

  writeConfig(sbdf: Sbdf, register: number, value: number): void {
    this.record(`config ${sbdf} ${hex(register)} ${hex(value)}`);
  }

  reset(sbdf: Sbdf): boolean {
    this.record(`reset ${sbdf}`);
    return true;
  }

  disableIntx(sbdf: Sbdf): void {
    this.record(`intx ${sbdf}`);
  }

  armVector(sbdf: Sbdf, vector: Vector): void {
    this.record(`arm ${sbdf} ${JSON.stringify(vector)}`);
  }

  disarmVector(sbdf: Sbdf, vector: Vector): void {
    this.record(`disarm ${sbdf} ${JSON.stringify(vector)}`);
  }

  maskVector(sbdf: Sbdf, vector: Vector): void {
    this.record(`mask ${sbdf} ${JSON.stringify(vector)}`);
  }

  /** What the plain pages hold. */
  plainMemory(): string {
    return [...this.plainPages]
      .sort(([a], [b]) => a - b)
      .map(([address, page]) => `${hex(address)} ${Buffer.from(page.bytes).toString('base64')}`)
      .join('\n');
  }

  private plainPage(address: number): Uint8Array {
    let page = this.plainPages.get(address);
    if (!page) {
      page = this.createPage();
      const { bytes } = page;
      for (const offset of bytes.keys()) bytes[offset] = this.memory.read(address + offset, 1);
      this.plainPages.set(address, page);
    }
    return page.bytes;
  }

  private load(page: number, offset: number, width: Width, high: Uint32Array): number {
    this.record(`read ${hex(page)} ${offset} ${width}`);
    if (width === 8) high[0] = this.memory.read(page + offset + 4, 4);
    return this.memory.read(page + offset, Math.min(width, 4));
  }

  private store(page: number, offset: number, width: Width, low: number, high: number): void {
    this.record(`write ${hex(page)} ${offset} ${width} ${hex(low)} ${width === 8 ? hex(high) : 0}`);
    this.memory.write(page + offset, Math.min(width, 4), low);
    if (width === 8) this.memory.write(page + offset + 4, 4, high);
  }

  record(call: string): void {
    this.calls.push(call);
    this.count++;
    if (this.throwAt === this.count) throw new HostError(`host call ${this.count}`);
  }
}
