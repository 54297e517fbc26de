// Inputs for the fuzzer from recorded machines. The bytes are those that machine.c and fuzz.c read.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordedFunctions } from '../recorded-functions.mjs';

/** Accesses of an input, and inputs of a function. */
const ACCESSES = 16;
const INPUTS = 4;
/** The doors by number; see doors.h. */
const DOORS = {
  R: { any: 1, wasm: 4, ring: 6, 1: 7, 2: 4, 4: 8, 8: 4 },
  W: { any: 3, wasm: 5, ring: 6, 1: 9, 2: 10, 4: 11, 8: 12 },
};
const VIA = ['any', 'wasm', 'ring', 'v86'];
const WIDTHS = { 4: 0, 8: 1, 1: 2, 2: 3 };
/** Rules of Xen with any width of the PBA, a guest's; strict, the hardware domain's; and the other way about. */
const RULES = [
  { flags: 0b0101, widths: 15 },
  { flags: 0b0010, widths: 12 },
  { flags: 0b0000, widths: 12 },
  { flags: 0b0111, widths: 12 },
];

function machineBytes({ count, bar, pbaBar, table, pba }, { flags, widths }) {
  const bytes = Buffer.alloc(24);
  const exponent = ({ size }) => Math.min(Math.log2(size), 24) - 4;
  const two = pbaBar !== bar;
  bytes[0] = flags;
  bytes[1] = widths;
  bytes[2] = 1;
  bytes[8] = two ? 3 : 0;
  bytes[9] = exponent(bar);
  bytes[10] = exponent(pbaBar);
  bytes.writeUInt16LE(count - 1, 12);
  bytes.writeUIntLE(table / 8, 14, 3);
  bytes.writeUIntLE(pba / 8, 17, 3);
  return bytes;
}

/** Beside the BAR's start, in cells of 8 bytes. */
function accessBytes({ kind, width, offset, value }, via) {
  const bytes = Buffer.alloc(16);
  bytes[0] = via === 'v86' ? DOORS[kind][width] : DOORS[kind][via];
  bytes[1] = 4;
  bytes[2] = offset % 8;
  bytes[4] = WIDTHS[width];
  bytes[5] = kind === 'R' ? 1 : 0;
  bytes.writeUInt16LE(offset >>> 3, 6);
  bytes.writeBigUInt64LE(value, 8);
  return bytes;
}

/** Makes the folder anew. */
export function writeSeeds(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, { fn, accesses }] of recordedFunctions()) {
    const near = accesses.filter(({ offset }) => offset < 2 ** 19);
    const inputs = Math.min(INPUTS, Math.ceil(near.length / ACCESSES));
    const index = Number(name.split('-')[1]);
    for (let input = 0; input < inputs; input++) {
      const some = near.slice(ACCESSES * input, ACCESSES * (input + 1));
      const via = VIA[(index + input) % VIA.length];
      const parts = [machineBytes(fn, RULES[input]), ...some.map((one) => accessBytes(one, via))];
      writeFileSync(join(folder, `${name}-${input}`), Buffer.concat(parts));
    }
  }
}
