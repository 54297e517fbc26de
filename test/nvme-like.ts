import type { FunctionDescription } from '../src/function.js';

/** Guest address of BAR 0; above 2^32 and above 2^31 in its low lane. */
export const BAR = 0x3800_fe00_0000;
export const TABLE = BAR + 0x2000;
export const PBA = BAR + 0x2800;

/** Registers, a table of 8 entries and its PBA on one page of a 16 KiB BAR. */
export const nvmeLike: FunctionDescription = {
  sbdf: '0000:01:00.0',
  bars: [{ index: 0, type: 'mem64', address: BAR, size: 0x4000 }],
  msix: { count: 8, table: { bir: 0, offset: 0x2000 }, pba: { bir: 0, offset: 0x2800 } },
  decode: true,
};
