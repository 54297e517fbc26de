import { ADDRESS_LIMIT, PAGE_SIZE } from '../access.js';
import type { BarDescription, FunctionDescription, MsixLayout } from '../function.js';
import { isInteger } from '../integer.js';
import { MOST_ENTRIES, pbaSize, tableSize } from '../msix-layout.js';
import type { Policy } from '../policy.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import type { ByteRegion } from '../vfio/device-region.js';
import { BAR_GRAIN } from './bar-register.js';
import { capabilities, MSIX } from './capabilities.js';
import { isImageLength } from './config-space.js';
import { registerBytes } from './guest-register.js';
import { headerOf, headerType } from './header.js';
import { isMsix, placeFault } from './msix-capability.js';

const TYPES = ['io', 'mem32', 'mem64', 'rom'];

/** What is wrong with a description, a sentence each. `lenient`: what devices get wrong is accepted, as far as it can be. */
export function descriptionFaults(
  description: FunctionDescription,
  sbdf: Sbdf,
  lenient: boolean,
  policy: Policy,
): string[] {
  const { bars, msix, config, software } = description;
  const faults: string[] = [];
  const fault = (field: string, value: unknown, rule: string) => {
    faults.push(`assign: function ${formatSbdf(sbdf)}: ${field} ${value} ${rule}`);
  };
  const taken = new Set<number>();
  for (const bar of bars) {
    checkBar(bar, lenient, fault);
    if (!lenient && !description.virtual) checkNatural(bar, fault);
    for (const index of bar.type === 'mem64' ? [bar.index, bar.index + 1] : [bar.index]) {
      if (taken.has(index))
        fault('bar index', index, 'is described twice, or is the upper half of a 64-bit BAR');
      taken.add(index);
    }
  }
  if (msix) checkLayout(msix, fault);
  if (config) checkConfig(config, description, fault);
  if (config instanceof Uint8Array && !lenient) {
    faults.push(...listFaults(config).map((rule) => `assign: function ${formatSbdf(sbdf)}: config: ${rule}`));
  }
  if (policy.sharedPage === 'owner') checkRegisters(description, fault);
  else if (description.registers?.length) fault('policy', policy.name, NO_REGIONS);
  if (description.trapOnly && policy.adjacent === 'page') {
    fault('trapOnly', true, `is for policy strict: ${policy.name} forwards whole pages`);
  }
  if (software && typeof software.send !== 'function') {
    fault('software send', software.send, 'is not a function');
  }
  return faults;
}

/** What a guest that sizes a BAR finds. */
const isPowerOfTwo = (size: number): boolean => 2 ** Math.round(Math.log2(size)) === size;

type Fault = (field: string, value: unknown, rule: string) => void;

function checkBar(bar: BarDescription, lenient: boolean, fault: Fault): void {
  const name = `bar ${bar.index}`;
  if (!isInteger(bar.index, 0, 6)) fault('bar index', bar.index, 'is not an integer in [0, 6]');
  if (!TYPES.includes(bar.type)) fault(`${name} type`, bar.type, `is not one of ${TYPES.join(', ')}`);
  if (bar.type === 'rom' ? bar.index !== 6 : bar.index === 6) {
    fault(`${name} type`, bar.type, 'does not fit: index 6 is the expansion ROM, and only it');
  }
  if (bar.type === 'mem64' && bar.index === 5)
    fault(`${name} type`, bar.type, 'leaves no index for its upper half');
  if (!isInteger(bar.size, 1, ADDRESS_LIMIT))
    fault(`${name} size`, bar.size, 'is not an integer in [1, 2^52]');
  const addresses: [string, number][] = [['address', bar.address]];
  if (bar.hostAddress !== undefined) addresses.push(['hostAddress', bar.hostAddress]);
  for (const [field, address] of addresses) {
    if (!isInteger(address, 0, ADDRESS_LIMIT - bar.size)) {
      fault(`${name} ${field}`, address, 'is not an integer with the whole BAR in [0, 2^52)');
    }
  }
  if (!lenient && (bar.type === 'io' || bar.size % BAR_GRAIN === 0) && !isPowerOfTwo(bar.size)) {
    fault(`${name} size`, bar.size, 'is no power of two');
  }
  if (bar.type === 'io') return;
  if (bar.size % BAR_GRAIN !== 0) fault(`${name} size`, bar.size, `is no multiple of ${BAR_GRAIN}`);
  // BARs are aligned to their size (PCI 3.0 6.2.5.1); what matters is where in a page they begin.
  const grain = bar.size >= PAGE_SIZE ? PAGE_SIZE : BAR_GRAIN;
  for (const [field, address] of addresses) {
    if (address % grain !== 0) fault(`${name} ${field}`, address, `is no multiple of ${grain}`);
  }
}

/** The register has no bits for any other address: a guest that sizes the BAR and puts it back would move it. */
function checkNatural({ index, address, size }: BarDescription, fault: Fault): void {
  if (isPowerOfTwo(size) && isInteger(address, 0, ADDRESS_LIMIT - size) && address % size !== 0) {
    fault(`bar ${index} address`, address, `is no multiple of its size ${size}`);
  }
}

/** An image that the description fits. */
function checkConfig(config: Uint8Array, description: FunctionDescription, fault: Fault): void {
  if (!(config instanceof Uint8Array)) {
    fault('config', typeof config, 'is not a Uint8Array');
    return;
  }
  if (!isImageLength(config.length)) {
    fault('config length', config.length, 'is not 256 or 4096');
    return;
  }
  const header = headerOf(config);
  for (const { index, type } of description.bars) {
    const fits = type === 'rom' ? header.rom > 0 : index + (type === 'mem64' ? 1 : 0) < header.bars;
    if (!fits) fault('bar', index, `has no register in a header of type ${headerType(config)}`);
  }
  const misplaced = placeFault(description);
  if (misplaced) fault('msix capability', description.msix?.capability, misplaced);
}

/** They stand for what Xen does. */
export const NO_REGIONS = 'has neither regions nor registers of the guest';

/** A register has its bytes alone, and none of the header, which is the description's. */
function checkRegisters({ registers = [], bars, config }: FunctionDescription, fault: Fault): void {
  const taken = new Set<string>();
  for (const register of registers) {
    const { space, offset, width, value, writable } = register;
    const bar = bars.find(({ index, type }) => space === `bar${index}` && type.startsWith('mem'));
    const inConfig = space === 'config';
    const bytes = registerBytes(register);
    const before = taken.size;
    for (const [at] of bytes) taken.add(`${space} ${at}`);
    if (
      ![1, 2, 4, 8].includes(width) ||
      !isInteger(
        offset,
        inConfig ? 0x40 : 0,
        (inConfig ? (config?.length ?? 256) : (bar?.size ?? 0)) - width,
      ) ||
      (value !== 'hardware' && !isInteger(value, 0, Math.min(256 ** width, 2 ** 53) - 1)) ||
      (writable && !inConfig) ||
      taken.size < before + bytes.length
    ) {
      fault(
        `register ${space} ${offset}`,
        value,
        'needs 1, 2, 4 or 8 bytes of its own, in config from 64 on or read-only in a memory BAR',
      );
    }
  }
}

/** What is wrong with a region or its place. */
export function rangeFault(region: ByteRegion, address: unknown): string | undefined {
  if (!isInteger(region?.size, 1, ADDRESS_LIMIT) || typeof region.read !== 'function') {
    return 'region needs a method read and a size in [1, 2^52]';
  }
  if (isInteger(address, 0, ADDRESS_LIMIT - region.size) && address % PAGE_SIZE === 0) return undefined;
  return `address ${address} is no multiple of 4096 with the whole region in [0, 2^52)`;
}

function listFaults(config: Uint8Array): string[] {
  const { standard, faults } = capabilities(config);
  const cut = standard.filter((capability) => capability.id === MSIX && !isMsix(capability));
  return [...faults, ...cut.map(({ offset }) => `the MSI-X capability at ${offset} leaves [64, 256)`)];
}

function checkLayout(msix: MsixLayout, fault: Fault): void {
  const { capability } = msix;
  if (capability !== undefined && (!isInteger(capability, 0x40, 0xf4) || capability % 4 !== 0)) {
    fault('msix capability', capability, 'is not a multiple of 4 in [0x40, 0xf4]');
  }
  if (!isInteger(msix.count, 1, MOST_ENTRIES))
    fault('msix count', msix.count, `is not an integer in [1, ${MOST_ENTRIES}]`);
  for (const [name, { bir, offset }] of [
    ['table', msix.table],
    ['pba', msix.pba],
  ] as const) {
    if (!isInteger(bir, 0, 7)) fault(`msix ${name} bir`, bir, 'is not an integer in [0, 7]');
    if (!isInteger(offset, 0, 0xfffffff8) || offset % 8 !== 0) {
      fault(`msix ${name} offset`, offset, 'is not a multiple of 8 in [0, 2^32)');
    }
  }
}

/**
 * What is wrong with an MSI-X capability as devices have them (Xen refuses these; the table and PBA of real ones may
 * overlap).
 */
export function msixFaults(
  { bars, msix, software, registers = [] }: FunctionDescription,
  sbdf: Sbdf,
): string[] {
  if (!msix || !Number.isInteger(msix.count)) return [];
  const sizes = sizesOf(msix);
  const faults = (['table', 'pba'] as const).flatMap((name) => {
    const { bir, offset } = msix[name];
    const bar = bars.find(({ index }) => index === bir);
    if (bar?.type !== 'mem32' && bar?.type !== 'mem64')
      return [`msix ${name} bir ${bir} names no memory BAR`];
    const end = offset + sizes[name];
    const inside = (at: number) => at >= offset && at < end;
    if (registers.some((one) => one.space === `bar${bir}` && registerBytes(one).some(([at]) => inside(at)))) {
      return [`msix ${name} at ${offset} in BAR ${bir} has bytes of a register`];
    }
    return end > bar.size ? [`msix ${name} ends at ${end}, outside BAR ${bir} of ${bar.size} bytes`] : [];
  });
  if (software && pbaOverTable(msix)) faults.push(`msix table and pba overlap in BAR ${msix.pba.bir}`);
  return faults.map((fault) => `assign: function ${formatSbdf(sbdf)}: ${fault}`);
}

/** The structures have bytes in common, which are the PBA's. */
export function pbaOverTable(msix: MsixLayout): boolean {
  const { table, pba } = msix;
  const sizes = sizesOf(msix);
  const apart = table.offset + sizes.table <= pba.offset || pba.offset + sizes.pba <= table.offset;
  return table.bir === pba.bir && !apart;
}

const sizesOf = ({ count }: MsixLayout) => ({ table: tableSize(count), pba: pbaSize(count) });
