import { PAGE_SIZE, type Width } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import type { Host, PageHandler } from '../../src/host.js';
import { createDispatcher, type Dispatcher } from '../../src/index.js';
import type { RegionDoor, RegionDoorOptions } from '../../src/vfio/door.js';

const hex = (value: number): string => value.toString(16);

/** Hardware for a region door: sparse bytes, and a line for each call in the order of the calls. */
export class RegionHost implements Host {
  calls: string[] = [];
  readonly bytes = new Map<number, number>();
  readonly ports = new Map<number, number>();
  readonly unmappable = new Set<number>();
  refuses = false;
  resets = true;
  /** Called at each call, with its line, before it takes effect. */
  onCall: (call: string) => void = () => {};

  /** The calls since the last time; `kinds`: only those that begin so. */
  take(...kinds: string[]): string[] {
    const { calls } = this;
    this.calls = [];
    return kinds.length === 0 ? calls : calls.filter((call) => kinds.some((kind) => call.startsWith(kind)));
  }

  /** Accesses of pages as width@address. */
  accesses(): string[] {
    return this.take('read ', 'write ').map((call) => call.split(' ')[1]);
  }

  fill(address: number, bytes: ArrayLike<number>): void {
    for (let index = 0; index < bytes.length; index++) this.bytes.set(address + index, bytes[index]);
  }

  at(address: number): number {
    return this.bytes.get(address) ?? (address * 7 + 1) & 0xff;
  }

  mapPage(address: number): PageHandler | null {
    this.record(`map ${hex(address)}`);
    if (this.unmappable.has(address)) return null;
    return {
      read: (offset, width, high) => {
        this.record(`read ${width}@${hex(address + offset)}`);
        if (width === 8) high[0] = this.load(address + offset + 4, 4);
        return this.load(address + offset, Math.min(width, 4));
      },
      write: (offset, width, low, high) => {
        this.record(`write ${width}@${hex(address + offset)}`);
        this.store(address + offset, Math.min(width, 4), low);
        if (width === 8) this.store(address + offset + 4, 4, high);
      },
    };
  }

  unmapPage(address: number): void {
    this.record(`unmap ${hex(address)}`);
  }

  writeConfig(_sbdf: number, register: number, value: number): void {
    this.record(`config ${hex(register)} ${hex(value)}`);
  }

  mapGuestPages(guest: number): void {
    this.record(`direct ${hex(guest)}`);
  }

  unmapGuestPages(guest: number): void {
    this.record(`undirect ${hex(guest)}`);
  }

  requestRegions(): boolean {
    this.record('request');
    return !this.refuses;
  }

  releaseRegions(): void {
    this.record('release');
  }

  reset(): boolean {
    this.record('reset');
    return this.resets;
  }

  readPort(port: number, width: Width): number {
    this.record(`in ${width}@${hex(port)}`);
    let value = 0;
    for (let index = width - 1; index >= 0; index--) {
      value = value * 256 + (this.ports.get(port + index) ?? 0);
    }
    return value;
  }

  writePort(port: number, width: Width, value: number): void {
    this.record(`out ${width}@${hex(port)} ${hex(value)}`);
  }

  private load(address: number, width: number): number {
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = value * 256 + this.at(address + index);
    return value;
  }

  private store(address: number, width: number, value: number): void {
    for (let index = 0; index < width; index++)
      this.bytes.set(address + index, (value >>> (8 * index)) & 0xff);
  }

  private record(call: string): void {
    this.calls.push(call);
    this.onCall(call);
  }
}

/** A dispatcher with one function and its door, memory decoding on. */
export function openDoor(
  host: RegionHost,
  description: Omit<FunctionDescription, 'sbdf'>,
  options?: RegionDoorOptions,
): { dispatcher: Dispatcher; door: RegionDoor; errors: unknown[] } {
  const errors: unknown[] = [];
  const dispatcher = createDispatcher({ host, onError: (error) => errors.push(error) });
  const fn = dispatcher.assign({ sbdf: SBDF, ...description });
  const door = dispatcher.openRegions(SBDF, options);
  if (typeof door === 'number') throw new Error(`open failed: ${door}`);
  fn.setDecode(true);
  host.take();
  return { dispatcher, door, errors };
}

export const SBDF = '0000:01:00.0';

/** Host calls that are accesses, as width@position; `base` is the address of position 0. */
export const positions = (calls: readonly string[], base = 0): string[] =>
  calls.map((call) =>
    call.replace(
      /^.*?(\d)@(\w+).*$/,
      (_call, width, address) => `${width}@${Number.parseInt(address, 16) - base}`,
    ),
  );

/** `count` bytes of 0xee, for reads to overwrite. */
export const buffer = (count: number): Uint8Array => new Uint8Array(count).fill(0xee);

export const PAGE = PAGE_SIZE;
