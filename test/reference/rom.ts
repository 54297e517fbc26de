import { PAGE_SIZE, pageOf } from '../../src/access.js';
import type { HostPage } from '../../src/host.js';
import { romImageLength } from '../../src/pci/rom-image.js';
import { type Context, callHost } from './context.js';
import { HostPages } from './host-pages.js';
import { pagesOf } from './range.js';
import type { ReferenceBar, ReferenceFunction } from './reference-function.js';

/** The ROM register of a function that is no bridge, and its lower address bits. */
const REGISTER = 0x30;
const ADDRESS = 0xf800;

/** Strict: a ROM is read once through its decoder, with 4 bytes at a time, and answered from the copy. */
export class ReferenceRom {
  private readonly context: Context;
  private readonly f: ReferenceFunction;
  private readonly bar: ReferenceBar;
  private image: readonly number[] | undefined;

  constructor(context: Context, f: ReferenceFunction, bar: ReferenceBar) {
    this.context = context;
    this.f = f;
    this.bar = bar;
  }

  /** The page of the copy that stands for a host page; undefined where the host cannot map the ROM. */
  page(address: number): HostPage | undefined {
    const image = this.image ?? this.copy();
    if (!image) return undefined;
    const byteAt = (offset: number) => image[address + offset - this.bar.hostAddress] ?? 0xff;
    const lane = (offset: number, width: number) =>
      Array.from({ length: width }, (_, i) => byteAt(offset + i) * 2 ** (8 * i)).reduce((a, b) => a + b);
    return {
      read(offset, width, high) {
        if (width === 8) high[0] = lane(offset + 4, 4);
        return lane(offset, Math.min(width, 4));
      },
      write() {},
    };
  }

  private copy(): readonly number[] | undefined {
    const { context, f, bar } = this;
    const range = { start: bar.hostAddress, end: bar.hostAddress + bar.size };
    const pages = new HostPages(context, f.sbdf);
    const decoder = (on: number) =>
      callHost(f.sbdf, () => context.host.writeConfig?.(f.sbdf, REGISTER, (bar.hostAddress & ADDRESS) | on));
    try {
      if (!pagesOf(range).every((page) => pages.get(page, page))) return undefined;
      try {
        decoder(1);
        this.image = this.read(pages);
      } finally {
        decoder(0);
      }
      return this.image;
    } finally {
      pages.drop();
    }
  }

  private read(pages: HostPages): number[] {
    const read = (offset: number, width: 1 | 4) => {
      const at = this.bar.hostAddress + offset;
      const page = pages.get(pageOf(at), pageOf(at))!;
      return callHost(this.f.sbdf, () =>
        page instanceof Uint8Array
          ? page
              .subarray(at % PAGE_SIZE, (at % PAGE_SIZE) + width)
              .reduceRight((value, byte) => value * 256 + byte, 0)
          : page.read(at % PAGE_SIZE, width, new Uint32Array(1)),
      );
    };
    const length = romImageLength(this.bar.size, (offset) => read(offset, 1));
    return Array.from({ length: length / 4 }, (_, i) => read(4 * i, 4)).flatMap((word) =>
      [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff),
    );
  }
}
