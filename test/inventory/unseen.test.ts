import { describe, expect, it } from 'vitest';
import { pasted } from './paste.js';

const function_ = (place: string, ...lines: readonly string[]) =>
  [`${place} Thing`, ...lines.map((line) => `\t${line}`)].join('\n');

const CONTROL = 'Control: I/O+ Mem+ BusMaster- DisINTx-';
const MEMORY = 'Memory at fe200000 (32-bit, non-prefetchable)';
const DENIED = 'Capabilities: <access denied>';

describe('what is not shown', () => {
  it.each([
    ['names only', [[]], 'BARs of 0000:00:00.0, of which the name alone is listed: lspci -vv lists them'],
    [
      'sizes',
      [[CONTROL, `Region 0: ${MEMORY}`]],
      'sizes of BARs of 0000:00:00.0: lspci -vv on the machine itself shows them',
    ],
    [
      'indices',
      [[MEMORY], [MEMORY]],
      'BAR indices of 2 functions are guessed from lspci -v; lspci -vv prints them',
    ],
    [
      'capabilities',
      [[CONTROL, DENIED], [CONTROL, DENIED], [CONTROL]],
      'MSI-X and SR-IOV of 2 functions: capabilities need root: sudo lspci -vv',
    ],
    [
      'the layout of MSI-X',
      [['Flags: fast devsel', 'Capabilities: [40] MSI-X: Enable+ Count=65 Masked-']],
      'MSI-X of 0000:00:00.0: where its table is needs root: sudo lspci -vv',
    ],
    [
      'what SR-IOV says',
      [['Flags: fast devsel', 'Capabilities: [160] Single Root I/O Virtualization (SR-IOV)']],
      'SR-IOV of 0000:00:00.0: extended capabilities need root: sudo lspci -vv',
    ],
    [
      'interrupt pins',
      [['Flags: fast devsel, IRQ 22']],
      'interrupt pins of 0000:00:00.0: lspci -vv shows them',
    ],
    [
      'windows',
      [[CONTROL, 'Bus: primary=00, secondary=01, subordinate=02, sec-latency=0']],
      'bridge windows of bus 01: lspci -vv shows them',
    ],
    [
      'windows of two',
      [
        ['Bus: primary=00, secondary=01, subordinate=01, sec-latency=0'],
        ['Bus: primary=00, secondary=02, subordinate=02, sec-latency=0'],
      ],
      'bridge windows of 2 buses: lspci -vv shows them',
    ],
    [
      'IOMMU groups',
      [[CONTROL], [CONTROL, 'IOMMU group: 3']],
      'IOMMU groups of 0000:00:00.0: find /sys/kernel/iommu_groups -type l lists them, where there are any',
    ],
    ['memory', [[CONTROL]], 'memory that is no BAR: /proc/iomem: not given: sudo cat /proc/iomem'],
  ])('%s', (_, functions, sentence) => {
    const text = functions.map((lines, index) => function_(`00:0${index}.0`, ...lines)).join('\n');
    expect(pasted(text).unseen).toContain(sentence);
  });

  it('is each kind one sentence, and nothing of what is shown', () => {
    const complete = function_(
      '00:00.0',
      CONTROL,
      'Interrupt: pin A routed to IRQ 22',
      'IOMMU group: 3',
      `Region 0: ${MEMORY} [size=4K]`,
      'Capabilities: [40] MSI-X: Enable+ Count=65 Masked-',
      'Vector table: BAR=0 offset=00000000',
      'PBA: BAR=0 offset=00000800',
    );
    expect(pasted(`${complete}\nfe200000-fe3fffff : x`).unseen).toEqual([]);
  });

  it('is told of domains that have no SBDF', () => {
    const text = ['10000:e1:00.0', '10000:e2:00.0', '10000:e1:00.0', '0001:00:00.0'].map((place) =>
      function_(place),
    );
    const { functions, unseen } = pasted(text.join('\n'));
    expect(functions).toMatchObject([{ sbdf: 0x1_0000 }]);
    expect(unseen).toContain('2 functions in domains above ffff, which have no SBDF');
  });
});
