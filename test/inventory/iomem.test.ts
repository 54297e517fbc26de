import { describe, expect, it } from 'vitest';
import { pasted } from './paste.js';

const FUNCTION = '00:05.0 Thing';

describe('/proc/iomem', () => {
  it.each([
    ['as the kernel prints it', ''],
    ['quoted', '> '],
    ['indented', '    '],
  ])('%s: ranges, and which is within which', (_, prefix) => {
    const text = [
      '00000000-00000fff : Reserved',
      'c0000000-febfffff : PCI Bus 0000:00',
      '  fe200000-fe3fffff : PCI Bus 0000:01',
      '    fe200000-fe203fff : 0000:01:00.0',
      '      fe200000-fe203fff : nvme',
      '  fe400000-fe43ffff : 0000:00:04.0',
      'fd00000000-ffffffffff : Reserved',
    ];
    const { memory, unseen } = pasted(`${FUNCTION}\n${text.map((line) => prefix + line).join('\n')}`);
    expect(memory.map(({ depth }) => depth)).toEqual([0, 0, 1, 2, 3, 1, 0]);
    expect(memory[2]).toEqual({ start: 0xfe200000, end: 0xfe400000, name: 'PCI Bus 0000:01', depth: 1 });
    expect(memory[6]).toMatchObject({ start: 0xfd00000000, end: 2 ** 40 });
    expect(unseen.join()).not.toContain('/proc/iomem');
  });

  it('whose addresses are hidden is unseen', () => {
    const { memory, unseen } = pasted(
      `${FUNCTION}\n00000000-00000000 : Reserved\n  00000000-00000000 : nvme`,
    );
    expect(memory).toEqual([]);
    expect(unseen).toContain(
      'memory that is no BAR: /proc/iomem: its addresses are shown to root only: sudo cat /proc/iomem',
    );
  });

  it('does not take /proc/ioports, and ends no function', () => {
    const { memory, functions } = pasted(
      `${FUNCTION}\n0000-0cf7 : PCI Bus 0000:00\nfe200000-fe3fffff : x\n\tKernel driver in use: nvme`,
    );
    expect(memory).toHaveLength(1);
    expect(functions[0].driver).toBe('nvme');
  });

  it('above 2^52 is left out, and said', () => {
    const { memory, unseen } = pasted(
      `${FUNCTION}\nfe200000-fe3fffff : x\n0010000000000000-0010000000000fff : y`,
    );
    expect(memory).toHaveLength(1);
    expect(unseen).toContain('/proc/iomem above 2^52: 1 of its lines');
  });
});
