import type { FunctionDescription } from '../../src/function.js';

/** A BAR of two pages: the table at the start of one, the PBA at the start of the other. */
export const described = (sbdf: number, address: number): FunctionDescription => ({
  sbdf,
  bars: [{ index: 0, type: 'mem32', address, size: 0x2000 }],
  msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
  decode: true,
});
