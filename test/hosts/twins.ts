import { expect } from 'vitest';
import type { Width } from '../../src/access.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatcher.js';
import { MemoryHost } from '../memory-host.js';
import { BAR, nvmeLike } from '../nvme-like.js';

/** A BAR below 1 MB, where buffered requests reach; its table is on the first page. */
export const LOW_BAR = 0xa0000;
export const LOW_SBDF = '0001:02:03.4';

/** The same machine twice: one answers a hypervisor, the other is called by the test. */
export class Twins {
  readonly answering: Dispatcher;
  readonly direct: Dispatcher;
  private readonly hosts = [new MemoryHost(), new MemoryHost()];
  private readonly errors: unknown[] = [];

  constructor() {
    const [answering, direct] = this.hosts.map((host) => {
      const dispatcher = createDispatcher({ host, onError: (error) => this.errors.push(error) });
      dispatcher.assign(nvmeLike);
      dispatcher.assign({
        sbdf: LOW_SBDF,
        bars: [{ index: 0, type: 'mem32', address: LOW_BAR, size: 0x2000 }],
        msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
        decode: true,
      });
      for (const page of [BAR + 0x2000, LOW_BAR]) {
        host.mapPage(page).set(Uint8Array.from({ length: 4096 }, (_, at) => (at * 7) ^ (at >> 3)));
      }
      return dispatcher;
    });
    this.answering = answering;
    this.direct = direct;
  }

  /** Undefined: no function claims the address. */
  read(address: bigint, width: Width): bigint | undefined {
    if (address < 0n || address >= 2n ** 52n) return undefined;
    if (width === 8) return this.direct.readBig(Number(address));
    const value = this.direct.read(Number(address), width);
    return value < 0 ? undefined : BigInt(value);
  }

  write(address: bigint, width: Width, data: bigint): boolean {
    if (address < 0n || address >= 2n ** 52n) return false;
    const value = BigInt.asUintN(8 * width, data);
    return this.direct.write(Number(address), width, Number(value & 0xffffffffn), Number(value >> 32n));
  }

  /** Functions, vectors and host pages are the same, and nothing threw. */
  expectEqual(): void {
    expect(this.errors).toEqual([]);
    expect(this.answering.save()).toEqual(this.direct.save());
    const [one, other] = this.hosts;
    expect([...one.pages.keys()].sort()).toEqual([...other.pages.keys()].sort());
    for (const [address, page] of one.pages) {
      expect(Buffer.from(page).equals(Buffer.from(other.mapPage(address))), address.toString(16)).toBe(true);
    }
  }
}
