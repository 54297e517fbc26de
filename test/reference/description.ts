import { ADDRESS_LIMIT, PAGE_SIZE } from '../../src/access.js';
import type { FunctionDescription } from '../../src/function.js';
import { formatSbdf, type Sbdf } from '../../src/sbdf.js';

const whole = (value: unknown, from: number, to: number): boolean =>
  Number.isInteger(value) && (value as number) >= from && (value as number) <= to;

/** What no device can be, a sentence each; sizes that are no power of two are let through when `lenient`. */
export function descriptionFaults(
  sbdf: Sbdf,
  { bars, msix }: FunctionDescription,
  lenient: boolean,
): string[] {
  const name = formatSbdf(sbdf);
  const faults: string[] = [];
  const taken = new Set<number>();
  for (const bar of bars) {
    const what = `${name}: BAR ${bar.index}`;
    if (!whole(bar.index, 0, 6)) faults.push(`${what}: the index is not 0 to 6`);
    if (!['io', 'mem32', 'mem64', 'rom'].includes(bar.type)) faults.push(`${what}: no type ${bar.type}`);
    for (const index of bar.type === 'mem64' ? [bar.index, bar.index + 1] : [bar.index]) {
      if (taken.has(index)) faults.push(`${what}: index ${index} is taken`);
      taken.add(index);
    }
    if ((bar.type === 'rom') !== (bar.index === 6)) faults.push(`${what}: the ROM is index 6, and only it`);
    if (bar.type === 'mem64' && bar.index === 5) faults.push(`${what}: no index for the upper half`);
    if (!whole(bar.size, 1, ADDRESS_LIMIT)) faults.push(`${what}: size ${bar.size}`);
    if (!lenient && !Array.from({ length: 53 }, (_, bit) => 2 ** bit).includes(bar.size)) {
      faults.push(`${what}: size ${bar.size} is no power of two`);
    }
    for (const address of [bar.address, bar.hostAddress ?? bar.address]) {
      if (!whole(address, 0, ADDRESS_LIMIT - bar.size)) faults.push(`${what}: address ${address}`);
      const unit = bar.size >= PAGE_SIZE ? PAGE_SIZE : 16;
      if (bar.type !== 'io' && address % unit !== 0) faults.push(`${what}: not in units of ${unit} bytes`);
    }
    if (bar.type !== 'io' && bar.size % 16 !== 0) faults.push(`${what}: size not in units of 16 bytes`);
  }
  if (msix) {
    if (!whole(msix.count, 1, 2048)) faults.push(`${name}: ${msix.count} MSI-X entries, not 1 to 2048`);
    for (const { bir, offset } of [msix.table, msix.pba]) {
      if (!whole(bir, 0, 7)) faults.push(`${name}: BIR ${bir}`);
      if (!whole(offset, 0, 0xfffffff8) || offset % 8 !== 0) faults.push(`${name}: offset ${offset}`);
    }
  }
  return faults;
}

/** What no register of the guest can be, a sentence each. */
export function registerFaults(sbdf: Sbdf, { bars, config, registers = [] }: FunctionDescription): string[] {
  const taken: string[] = [];
  return registers.flatMap(({ space, offset, width, value }) => {
    const name = `${formatSbdf(sbdf)}: register ${space} ${offset}`;
    const bar = bars.find(({ index, type }) => space === `bar${index}` && type.startsWith('mem'));
    const [from, end] = space === 'config' ? [0x40, config?.length ?? 256] : [0, bar?.size ?? 0];
    if (!whole(offset, from, end - width)) return [`${name}: outside its space`];
    if (value === 'hardware') return [];
    const bytes = Array.from({ length: width }, (_, byte) => `${space} ${offset + byte}`);
    const shared = bytes.some((byte) => taken.includes(byte));
    taken.push(...bytes);
    if (!whole(value, 0, Math.min(256 ** width, 2 ** 53) - 1)) return [`${name}: value ${value}`];
    return shared ? [`${name}: has another one's bytes`] : [];
  });
}

/** What a real device gets wrong in its MSI-X capability, a sentence each. */
export function msixFaults(sbdf: Sbdf, { bars, msix, registers = [] }: FunctionDescription): string[] {
  if (!msix) return [];
  const structures = [
    { name: 'table', ...msix.table, size: 16 * msix.count },
    { name: 'PBA', ...msix.pba, size: 8 * Math.ceil(msix.count / 64) },
  ];
  return structures.flatMap(({ name, bir, offset, size }) => {
    const bar = bars.find(({ index, type }) => index === bir && (type === 'mem32' || type === 'mem64'));
    if (!bar) return [`${formatSbdf(sbdf)}: MSI-X ${name}: BIR ${bir} is no memory BAR`];
    const clash = registers.some(
      (one) =>
        one.space === `bar${bir}` &&
        one.value !== 'hardware' &&
        one.offset < offset + size &&
        offset < one.offset + one.width,
    );
    if (clash) return [`${formatSbdf(sbdf)}: MSI-X ${name}: has bytes of a register`];
    if (offset + size > bar.size) return [`${formatSbdf(sbdf)}: MSI-X ${name}: ends outside BAR ${bir}`];
    return [];
  });
}
