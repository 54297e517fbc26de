import { expect, it } from 'vitest';
import type { Bar } from '../../src/host.js';
import { LspciReader } from '../../src/inventory/lspci.js';
import { lspciText } from '../../src/inventory/lspci-text.js';

const bar = (index: number, type: Bar['type'], address: number, size: number, enabled = true): Bar => ({
  ...{ index, type, address, hostAddress: address, size, enabled },
});

const BARS = [
  bar(0, 'mem32', 0xfe000000, 16),
  bar(1, 'mem32', 0xfe001000, 0x1800),
  bar(2, 'mem64', 0x380000000000, 2 ** 34),
  bar(4, 'io', 0xc000, 32),
  bar(5, 'mem32', 0, 2 ** 20, false),
  bar(6, 'rom', 0xfd000000, 0x800, false),
];

function read(text: string) {
  const reader = new LspciReader();
  for (const line of text.split('\n')) reader.line(line);
  return reader.functions();
}

it('is read as it was written', () => {
  const msix = { count: 2048, table: { bir: 2, offset: 0x10000 }, pba: { bir: 1, offset: 0x1000 } };
  const fn = { sbdf: 0x10300, vendor: 0x1af4, device: 0x1041, bars: BARS };
  expect(
    read(lspciText({ ...fn, msix: { ...msix, capability: 0x98 }, messageControl: 0xc7ff })),
  ).toMatchObject([
    {
      ...{ sbdf: 0x10300, vendor: 0x1af4, device: 0x1041, decode: true, barsGuessed: false },
      bars: [
        { index: 0, type: 'mem32', address: 0xfe000000, size: 16 },
        { index: 1, type: 'mem32', address: 0xfe001000, size: 0x1800 },
        { index: 2, type: 'mem64', address: 0x380000000000, size: 2 ** 34 },
        { index: 4, type: 'io', address: 0xc000, size: 32 },
        { index: 5, type: 'mem32', address: undefined, size: 2 ** 20 },
        { index: 6, type: 'rom', address: 0xfd000000, size: 0x800, disabled: true },
      ],
      msix: { ...msix, capability: 0x98, enabled: true, masked: true },
    },
  ]);
});

it('says what is off, and has no MSI-X where there is none', () => {
  const fn = { sbdf: 8, vendor: 0xffff, device: 0xffff, messageControl: 0 };
  const off = BARS.map((one) => ({ ...one, enabled: false }));
  const msix = { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 8 } };
  const text = [
    lspciText({ ...fn, bars: off, msix }),
    lspciText({ ...fn, sbdf: 9, bars: [], msix: undefined }),
  ];
  expect(read(text.join('\n'))).toMatchObject([
    { sbdf: 8, decode: false, msix: { enabled: false, masked: false, count: 1 } },
    { sbdf: 9, decode: false, bars: [], msix: undefined },
  ]);
});
