import { describe, expect, it } from 'vitest';
import { pasted } from './paste.js';

const groups = (...texts: readonly string[]) =>
  pasted(...texts).functions.map(({ sbdf, iommuGroup }) => [sbdf, iommuGroup]);

const LISTED = '00:01.0 Bridge\n00:02.0 Thing\n00:02.1 Other';

describe('IOMMU groups', () => {
  it.each([
    [
      'a line each',
      'IOMMU Group 1 00:01.0 PCI bridge [0604]: Intel\nIOMMU Group 12 00:02.0 Thing\nIOMMU Group 12 00:02.1 Other',
    ],
    [
      'a line each, with colons',
      'IOMMU Group 1: 00:01.0 Bridge\nIOMMU Group 12: 00:02.0 Thing\nIOMMU Group 12: 00:02.1 Other',
    ],
    ['in blocks', 'IOMMU Group 1:\n\t00:01.0 Bridge\nIOMMU Group 12:\n\t00:02.0 Thing\n\t00:02.1 Other'],
    [
      'in blocks, quoted',
      '> IOMMU Group 1:\n>   00:01.0 Bridge\n> IOMMU Group 12:\n>   00:02.0 Thing\n>   00:02.1 Other',
    ],
    [
      'paths',
      `${LISTED}\n/sys/kernel/iommu_groups/1/devices/0000:00:01.0\n/sys/kernel/iommu_groups/12/devices/0000:00:02.0\n/sys/kernel/iommu_groups/12/devices/0000:00:02.1`,
    ],
  ])('%s', (_, text) => {
    const expected = [
      [0x08, 1],
      [0x10, 12],
      [0x11, 12],
    ];
    expect(groups(text)).toEqual(expected);
    expect(groups(LISTED, text)).toEqual(expected);
    expect(groups(text, LISTED)).toEqual(expected);
  });

  it('a block ends where the indentation does', () => {
    expect(groups('IOMMU Group 1:\n\t00:01.0 Bridge\n00:02.0 Thing')).toEqual([
      [0x08, 1],
      [0x10, undefined],
    ]);
  });

  it('of functions that are not listed are said', () => {
    const { functions, unseen } = pasted('00:01.0 Bridge\n/sys/kernel/iommu_groups/1/devices/0000:00:02.0');
    expect(functions).toHaveLength(1);
    expect(unseen).toContain('1 function of IOMMU groups, not listed: lspci -vv lists all');
  });
});
