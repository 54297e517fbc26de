import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/input-error.js';
import type { InventoryBar, InventoryFunction, InventorySriov } from '../../src/inventory/machine.js';
import { formatSbdf } from '../../src/sbdf.js';
import { pasted } from './paste.js';

const SUFFIXES = ['', 'K', 'M', 'G', 'T'];

/** As `lspci -vv` prints it. */
function printed(fn: InventoryFunction): string {
  const { sbdf, vendor, device, name, subsystem, interrupt, bridge, msix, sriov } = fn;
  const sign = (on: boolean | undefined) => (on ? '+' : '-');
  return [
    `${formatSbdf(sbdf)} ${name}`,
    subsystem && `\tSubsystem: Device [${hex(subsystem.vendor, 4)}:${hex(subsystem.device, 4)}]`,
    `\tControl: I/O+ Mem${sign(fn.decode)} BusMaster- SpecCycle- DisINTx${sign(interrupt.intxDisabled)}`,
    '\tStatus: Cap+ 66MHz- UDF-',
    interrupt.pin && `\tInterrupt: pin ${' ABCD'[interrupt.pin]} routed to IRQ ${interrupt.irq}`,
    fn.iommuGroup !== undefined && `\tIOMMU group: ${fn.iommuGroup}`,
    ...fn.bars.map((bar) => `\t${barLine(bar, 8)}`),
    bridge &&
      `\tBus: primary=00, secondary=${hex(bridge.secondary, 2)}, subordinate=${hex(bridge.subordinate, 2)}, sec-latency=0`,
    ...(bridge ? [false, true].map((prefetchable) => `\t${windowLine(bridge.windows, prefetchable)}`) : []),
    `\tCapabilities: [40] MSI: Enable${sign(interrupt.msiEnabled)} Count=1/1 Maskable- 64bit+`,
    ...(msix
      ? [
          `\tCapabilities: [${hex(msix.capability, 2)}] MSI-X: Enable${sign(msix.enabled)} Count=${msix.count} Masked${sign(msix.masked)}`,
          `\t\tVector table: BAR=${msix.table.bir} offset=${hex(msix.table.offset, 8)}`,
          `\t\tPBA: BAR=${msix.pba.bir} offset=${hex(msix.pba.offset, 8)}`,
        ]
      : []),
    ...(sriov ? sriovLines(sriov) : []),
    fn.driver && `\tKernel driver in use: ${fn.driver}`,
    `\tKernel modules: ${hex(vendor ?? 0, 4)}, ${hex(device ?? 0, 4)}`,
    '',
  ]
    .filter((line) => typeof line === 'string')
    .join('\n');
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

function barLine(
  { index, type, address, size, prefetchable, disabled, virtual }: InventoryBar,
  digits: number,
) {
  const at = address === undefined ? '<unassigned>' : hex(address, type === 'io' ? 4 : digits);
  const flags = `${virtual ? ' [virtual]' : ''}${disabled ? ' [disabled]' : ''}`;
  const rest = `${flags}${size === undefined ? '' : ` [size=${sizeText(size)}]`}`;
  if (type === 'rom') return `Expansion ROM at ${at}${rest}`;
  if (type === 'io') return `Region ${index}: I/O ports at ${at}${rest}`;
  const width = type === 'mem64' ? '64-bit' : '32-bit';
  return `Region ${index}: Memory at ${at} (${width}, ${prefetchable ? '' : 'non-'}prefetchable)${rest}`;
}

function sizeText(size: number): string {
  const power = SUFFIXES.findLastIndex((_, index) => size % 1024 ** index === 0);
  return `${size / 1024 ** power}${SUFFIXES[power]}`;
}

function windowLine(windows: NonNullable<InventoryFunction['bridge']>['windows'], prefetchable: boolean) {
  const window = windows.find((candidate) => candidate.prefetchable === prefetchable);
  const name = prefetchable ? 'Prefetchable memory' : 'Memory';
  if (!window) return `${name} behind bridge: fff00000-000fffff [disabled] [32-bit]`;
  const digits = prefetchable ? 16 : 8;
  return `${name} behind bridge: ${hex(window.start, digits)}-${hex(window.end - 1, digits)}`;
}

function sriovLines(sriov: InventorySriov): string[] {
  const bits = sriov.supportedPageSizes.reduce((sum, size) => sum + size / 4096, 0);
  return [
    '\tCapabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)',
    `\t\tIOVCtl:\tEnable${sriov.enabled ? '+' : '-'} Migration- Interrupt- MSE- ARIHierarchy+`,
    `\t\tInitial VFs: ${sriov.totalVfs}, Total VFs: ${sriov.totalVfs}, Number of VFs: ${sriov.numVfs}, Function Dependency Link: 00`,
    `\t\tVF offset: ${sriov.offset}, stride: ${sriov.stride}, Device ID: 0100`,
    `\t\tSupported Page Size: ${hex(bits, 8)}, System Page Size: ${hex(sriov.systemPageSize / 4096, 8)}`,
    ...sriov.bars.map((bar) => `\t\t${barLine(bar, 16)}`),
  ];
}

const powerOfTwo = (min: number, max: number) => fc.integer({ min, max }).map((bits) => 2 ** bits);

/** At an index; undefined: nothing there. */
const barAt = (index: number): fc.Arbitrary<InventoryBar | undefined> =>
  fc.option(
    fc
      .record({
        type: fc.constantFrom<InventoryBar['type']>(
          ...(index === 6 ? ['rom' as const] : (['io', 'mem32', 'mem64'] as const)),
        ),
        at: fc.option(fc.integer({ min: 1, max: 4095 }), { nil: undefined }),
        size: fc.option(powerOfTwo(4, 20), { nil: undefined }),
        prefetchable: fc.boolean(),
        disabled: fc.boolean(),
        virtual: fc.boolean(),
      })
      .map(({ at, type, prefetchable, ...bar }) => ({
        ...bar,
        index,
        type,
        address: at && at * (type === 'io' ? 16 : type === 'mem64' ? 2 ** 36 : 2 ** 20),
        prefetchable: type.startsWith('mem') && prefetchable,
      })),
    { nil: undefined },
  );

/** What stands where a 64-bit BAR has its upper half is left out. */
const bars = (count: number): fc.Arbitrary<InventoryBar[]> =>
  fc.tuple(...Array.from({ length: count }, (_, index) => barAt(index))).map((listed) => {
    const kept: InventoryBar[] = [];
    for (const bar of listed) {
      const before = kept.at(-1);
      if (!bar || (before?.type === 'mem64' && before.index + 1 === bar.index)) continue;
      if (bar.type !== 'mem64' || bar.index < 5) kept.push(bar);
    }
    return kept;
  });

const location = fc.record({
  bir: fc.integer({ min: 0, max: 5 }),
  offset: fc.integer({ min: 0, max: 2 ** 20 }).map((words) => 8 * words),
});

const word = fc.integer({ min: 0, max: 0xffff });
const bus = fc.integer({ min: 0, max: 255 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const bridge = fc
  .record({ secondary: bus, subordinate: bus, memory: optional(bus), prefetchable: optional(bus) })
  .map(({ secondary, subordinate, memory, prefetchable }) => ({
    secondary,
    subordinate,
    windows: [
      ...(memory === undefined
        ? []
        : [{ start: (memory + 1) * 2 ** 20, end: (memory + 3) * 2 ** 20, prefetchable: false }]),
      ...(prefetchable === undefined
        ? []
        : [{ start: (prefetchable + 1) * 2 ** 36, end: (prefetchable + 2) * 2 ** 36, prefetchable: true }]),
    ],
  }));

const sriov = fc
  .record({
    enabled: fc.boolean(),
    totalVfs: fc.integer({ min: 1, max: 64 }),
    offset: word,
    stride: word,
    systemPageSize: powerOfTwo(12, 22),
    supportedPageSizes: fc.uniqueArray(powerOfTwo(12, 43), { minLength: 1 }),
    bars: bars(6),
  })
  .map((fields) => ({
    ...fields,
    numVfs: fields.enabled ? fields.totalVfs : 0,
    supportedPageSizes: [...fields.supportedPageSizes].sort((a, b) => a - b),
    bars: fields.bars.filter(({ type }) => type.startsWith('mem')),
  }));

const fn: fc.Arbitrary<InventoryFunction> = fc
  .record({
    sbdf: fc.integer({ min: 0, max: 0xffffffff }),
    vendor: word,
    device: word,
    subsystem: optional(fc.record({ vendor: word, device: word })),
    bars: bars(7),
    decode: fc.boolean(),
    msix: optional(
      fc.record({
        enabled: fc.boolean(),
        masked: fc.boolean(),
        count: fc.integer({ min: 1, max: 2048 }),
        table: location,
        pba: location,
        capability: fc.integer({ min: 0x10, max: 0x3c }).map((dwords) => 4 * dwords),
      }),
    ),
    sriov: optional(sriov),
    bridge: optional(bridge),
    pin: fc.integer({ min: 0, max: 4 }),
    irq: fc.integer({ min: 0, max: 1000 }),
    intxDisabled: fc.boolean(),
    msiEnabled: fc.boolean(),
    iommuGroup: optional(fc.integer({ min: 0, max: 300 })),
    driver: optional(fc.constantFrom('nvme', 'vfio-pci', 'pcieport')),
  })
  .map(({ pin, irq, intxDisabled, msiEnabled, ...fields }) => ({
    ...fields,
    name: `Thing [0108]: Some [Product] (of 1:2) [${hex(fields.vendor, 4)}:${hex(fields.device, 4)}] (rev 02)`,
    barsGuessed: false,
    capabilities: { functionLevelReset: false, noSoftReset: false },
    interrupt: { pin, irq: pin > 0 ? irq : undefined, intxDisabled, msiEnabled },
    physicalFunction: undefined,
  }));

/** Without SR-IOV's own consequences, which another test has. */
const machine = fc
  .uniqueArray(fn, { selector: ({ sbdf }) => sbdf, minLength: 1, maxLength: 8 })
  .map((functions) => functions.sort((a, b) => a.sbdf - b.sbdf));
const alone = ({ physicalFunction: _, sriov, ...rest }: InventoryFunction) => ({
  ...rest,
  sriov: sriov && { ...sriov, bars: sriov.bars.map(({ size: __, ...bar }) => bar) },
});

const quoted = (text: string) => text.replace(/^/gm, '> > ').replaceAll('\t', '        ');

describe('functions printed as lspci prints them', () => {
  it('read back the same, pasted plain or quoted', () => {
    fc.assert(
      fc.property(machine, (functions) => {
        const text = functions.map(printed).join('\n');
        expect(pasted(text).functions.map(alone)).toEqual(functions.map(alone));
        expect(pasted(quoted(text)).functions.map(alone)).toEqual(functions.map(alone));
      }),
    );
  });

  it('cut at any byte are read as far as they go', () => {
    fc.assert(
      fc.property(machine, fc.nat(), (functions, at) => {
        const bytes = Buffer.from(functions.map(printed).join('\n'));
        const cut = bytes.toString('utf8', 0, at % bytes.length);
        const read = pasted(cut).functions;
        expect(read.length).toBeLessThanOrEqual(functions.length);
        for (const [index, found] of read.entries()) {
          expect(functions[index].bars).toEqual(
            expect.arrayContaining(
              found.bars.map(({ index: bar }) => expect.objectContaining({ index: bar })),
            ),
          );
        }
      }),
    );
  });

  it('with any bytes changed throw nothing but InputError', () => {
    fc.assert(
      fc.property(
        machine,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))),
        (functions, changes) => {
          const bytes = Buffer.from(functions.map(printed).join('\n'));
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          try {
            const { functions: read } = pasted(bytes.toString());
            for (const { bars: list } of read) expect(list.every(({ index }) => index <= 6)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
    );
  });
});
