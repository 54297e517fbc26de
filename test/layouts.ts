import { ADDRESS_LIMIT, PAGE_SIZE } from '../src/access.js';
import type { FunctionDescription } from '../src/function.js';

/** Functions at awkward places, and the pages on which every access is worth trying. */
export interface Layout {
  readonly name: string;
  readonly functions: readonly FunctionDescription[];
  readonly pages: readonly number[];
  /** Guest and host addresses differ: no hardware domain has this. */
  readonly guestOnly?: boolean;
  /** Only xenV3 accepts the capability. */
  readonly malformed?: boolean;
}

export const BASE = 0xfe000000;
const page = (number: number) => BASE + number * PAGE_SIZE;

/** One function with one BAR of four pages. */
function oneBar(count: number, table: number, pba: number): FunctionDescription[] {
  return [
    {
      sbdf: 8,
      bars: [{ index: 0, type: 'mem32', address: BASE, size: 0x4000 }],
      msix: { count, table: { bir: 0, offset: table }, pba: { bir: 0, offset: pba } },
      decode: true,
    },
  ];
}

export const layouts: readonly Layout[] = [
  { name: 'table at 8 mod 16, PBA on its page', functions: oneBar(5, 0x808, 0x900), pages: [page(0)] },
  {
    name: 'table across a page boundary, PBA on the next page',
    functions: oneBar(9, 0xfc8, 0x1100),
    pages: [page(0), page(1)],
  },
  {
    name: 'table ending exactly at a page boundary',
    functions: oneBar(8, 0xf80, 0x3ff8),
    pages: [page(0), page(1), page(3)],
  },
  {
    name: 'table ending exactly at a page boundary, PBA over its last entry',
    functions: oneBar(8, 0xf80, 0xff8),
    pages: [page(0), page(1)],
  },
  { name: 'PBA inside the table', functions: oneBar(16, 0x100, 0x128), pages: [page(0)] },
  { name: 'PBA across the end of the table', functions: oneBar(130, 0x100, 0x910), pages: [page(0)] },
  {
    name: 'table on three pages, PBA inside its last page',
    functions: oneBar(300, 0xe00, 0x20c8),
    pages: [page(0), page(1), page(2)],
  },
  {
    name: 'last entry before a page boundary, PBA from there',
    functions: oneBar(1, 0xff0, 0x1000),
    pages: [page(0), page(1)],
  },
  {
    name: 'table and PBA in different BARs',
    functions: [
      {
        sbdf: 8,
        bars: [
          { index: 0, type: 'mem64', address: page(0), size: 0x1000 },
          { index: 2, type: 'mem32', address: page(2), size: 0x2000 },
        ],
        msix: { count: 65, table: { bir: 2, offset: 0x20 }, pba: { bir: 0, offset: 0xff0 } },
        decode: true,
      },
    ],
    pages: [page(0), page(2)],
  },
  {
    name: "table's BAR disabled, PBA's enabled",
    functions: [
      {
        sbdf: 8,
        bars: [
          { index: 0, type: 'mem32', address: page(0), size: 0x800, enabled: true },
          { index: 1, type: 'mem32', address: page(0) + 0x800, size: 0x800, enabled: false },
        ],
        msix: { count: 4, table: { bir: 1, offset: 0 }, pba: { bir: 0, offset: 0x400 } },
      },
    ],
    pages: [page(0)],
  },
  {
    name: 'three small BARs of one function on a page, PBA over a table entry',
    functions: [
      {
        sbdf: 8,
        bars: [
          { index: 0, type: 'mem32', address: page(0) + 0x600, size: 0x100 },
          { index: 1, type: 'mem32', address: page(0) + 0x400, size: 0x200 },
          { index: 2, type: 'mem32', address: page(0), size: 0x400 },
        ],
        msix: { count: 2, table: { bir: 0, offset: 0x80 }, pba: { bir: 0, offset: 0x90 } },
        decode: true,
      },
    ],
    pages: [page(0)],
  },
  {
    name: 'a page shared by two functions',
    functions: [0, 1].map((number) => ({
      sbdf: 8 + number,
      bars: [{ index: 0, type: 'mem32', address: page(0) + 0x800 * number, size: 0x800 }],
      msix: { count: 3, table: { bir: 0, offset: 0x100 }, pba: { bir: 0, offset: 0x140 } },
      decode: true,
    })),
    pages: [page(0)],
  },
  {
    name: 'a page shared by three functions, one without MSI-X',
    functions: [
      {
        sbdf: 8,
        bars: [{ index: 0, type: 'mem32', address: page(0), size: 0x400 }],
        msix: { count: 2, table: { bir: 0, offset: 0x3e0 }, pba: { bir: 0, offset: 0x3d8 } },
        decode: true,
      },
      { sbdf: 9, bars: [{ index: 3, type: 'mem32', address: page(0) + 0x400, size: 0x10 }], decode: true },
      {
        sbdf: 10,
        bars: [
          { index: 0, type: 'mem32', address: page(0) + 0x800, size: 0x800 },
          { index: 1, type: 'mem32', address: page(1), size: 0x100 },
        ],
        msix: { count: 64, table: { bir: 0, offset: 0 }, pba: { bir: 1, offset: 0xf8 } },
        decode: true,
      },
    ],
    pages: [page(0), page(1)],
  },
  {
    name: 'a page shared by BARs that hold no MSI-X structure',
    functions: [
      {
        sbdf: 8,
        bars: [
          { index: 0, type: 'mem32', address: page(0) + 0x20, size: 0x20 },
          { index: 1, type: 'mem32', address: page(0) + 0xff0, size: 0x10 },
          { index: 6, type: 'rom', address: page(0) + 0x800, size: 0x400 },
        ],
        decode: true,
      },
    ],
    pages: [page(0)],
  },
  {
    name: 'guest addresses apart from host addresses',
    functions: [
      {
        sbdf: 8,
        bars: [
          { index: 0, type: 'mem32', address: page(0), size: 0x2000, hostAddress: 0x380000123000 },
          { index: 2, type: 'mem32', address: page(2) + 0x400, size: 0x200, hostAddress: 0x92340e00 },
          { index: 3, type: 'mem32', address: page(2) + 0xe00, size: 0x200, hostAddress: 0x92341f10 },
        ],
        msix: { count: 4, table: { bir: 0, offset: 0xfc0 }, pba: { bir: 2, offset: 0 } },
        decode: true,
      },
    ],
    pages: [page(0), page(2)],
    guestOnly: true,
  },
  {
    name: 'the last page below 2^52',
    functions: [
      {
        sbdf: 8,
        bars: [{ index: 0, type: 'mem64', address: ADDRESS_LIMIT - 0x1000, size: 0x1000 }],
        msix: { count: 2, table: { bir: 0, offset: 0xfe0 }, pba: { bir: 0, offset: 0xfd0 } },
        decode: true,
      },
    ],
    pages: [ADDRESS_LIMIT - 0x1000],
  },
  {
    name: 'table outside its BAR',
    functions: [
      {
        sbdf: 8,
        bars: [{ index: 0, type: 'mem32', address: page(0), size: 0x800 }],
        msix: { count: 4, table: { bir: 0, offset: 0x7e0 }, pba: { bir: 3, offset: 0 } },
        decode: true,
      },
    ],
    pages: [page(0)],
    malformed: true,
  },
];
