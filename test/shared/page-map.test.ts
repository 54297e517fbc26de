import { expect, it } from 'vitest';
import type { OwningCore } from '../../src/shared/core.js';
import { createDispatcher } from '../../src/shared.js';

it('an entry whose page finds no room in the map is given back', () => {
  const told: string[] = [];
  const dispatcher = createDispatcher({
    shared: true,
    host: { mapPage: () => null },
    memoryLimit: 1 << 20,
    diagnosticLimit: 'none',
    onDiagnostic: ({ code }) => told.push(code),
  });
  const fn = dispatcher.assign({
    sbdf: 8,
    bars: [{ index: 0, type: 'mem32', address: 0xfe000000, size: 0x1000 }],
    msix: { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } },
  });
  const core = Reflect.get(dispatcher, 'core') as OwningCore;
  const free = () => (1 << 20) - (Reflect.get(core, 'next') as number);
  core.allocate(free() - 0x2000);
  for (let turn = 0; turn < 0x100; turn++) expect(fn.setDecode(true)).toBe('fail');
  expect(told).toEqual(Array(0x100).fill('out-of-memory'));
  // Of one entry, not of each.
  expect(free()).toBeGreaterThan(0x1000);
});
