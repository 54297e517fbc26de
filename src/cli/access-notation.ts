import { ADDRESS_LIMIT, type Width } from '../access.js';
import { regionName } from '../explain/place.js';
import { hex } from '../hexadecimal.js';
import { InputError } from '../input-error.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { formatSbdf, parseSbdf } from '../sbdf.js';

const NUMBER = '0x[0-9a-f]+|[0-9]+';
const ADDRESS = new RegExp(`^(${NUMBER})(?:\\+(${NUMBER}))?$`, 'i');
const OFFSET = new RegExp(
  `^((?:[0-9a-f]{1,4}:)?[0-9a-f]{1,2}:[0-9a-f]{1,2}\\.[0-7]):(BAR[0-5]|ROM)\\+(${NUMBER})(?:\\+(${NUMBER}))?$`,
  'i',
);

export interface Access {
  readonly address: number;
  readonly width: Width;
}

/** Reads `ADDRESS[+WIDTH]` or `SBDF:BARn+OFFSET[+WIDTH]`, whose BAR the inventory tells. Throws `InputError`. */
export function parseAccess(text: string, inventory: readonly InventoryFunction[]): Access {
  const [plain, offset] = [ADDRESS.exec(text), OFFSET.exec(text)];
  if (!plain && !offset) {
    throw new InputError(
      `${text}: expected ADDRESS[+WIDTH] or SBDF:BARn+OFFSET[+WIDTH], hexadecimal numbers with 0x`,
    );
  }
  const width = plain ? plain[2] : offset?.[4];
  const address = plain ? Number(plain[1]) : offset ? addressIn(offset, inventory) : 0;
  const access = { address, width: widthOf(text, width) };
  if (address + access.width > ADDRESS_LIMIT) throw new InputError(`${text}: expected it below 2^52`);
  return access;
}

function widthOf(text: string, width: string | undefined): Width {
  const value = width === undefined ? 4 : Number(width);
  if (value === 1 || value === 2 || value === 4 || value === 8) return value;
  throw new InputError(`${text}: expected a width of 1, 2, 4 or 8 bytes, got ${width}`);
}

function addressIn(
  [text, name, region, digits]: RegExpExecArray,
  inventory: readonly InventoryFunction[],
): number {
  const sbdf = sbdfOf(text, name);
  const fn = inventory.find((listed) => listed.sbdf === sbdf);
  if (!fn) throw new InputError(`${text}: the inventory has no function ${formatSbdf(sbdf)}`);
  const bar = fn.bars.find(({ index }) => regionName(index) === region.toUpperCase());
  if (!bar) throw new InputError(`${text}: ${formatSbdf(sbdf)} has no ${region.toUpperCase()}`);
  const { type, address, size } = bar;
  if (type === 'io') throw new InputError(`${text}: ${region.toUpperCase()} is an I/O BAR, not memory`);
  if (address === undefined || size === undefined) {
    throw new InputError(`${text}: ${region.toUpperCase()} has no address, or no size, in the inventory`);
  }
  const offset = Number(digits);
  if (offset >= size) {
    throw new InputError(`${text}: expected an offset in the BAR of ${hex(size)} bytes`);
  }
  return address + offset;
}

function sbdfOf(text: string, name: string): number {
  try {
    return parseSbdf(name);
  } catch {
    throw new InputError(`${text}: ${name} is not of the form 0000:bb:dd.f`);
  }
}
