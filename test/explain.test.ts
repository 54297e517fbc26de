import { describe, expect, it } from 'vitest';
import type { Width } from '../src/access.js';
import { Explainer, type ExplainOptions, type Explanation, explain } from '../src/explain.js';
import { LspciReader } from '../src/inventory/lspci.js';
import { readInventory } from '../src/inventory/read-machine.js';
import { policies } from '../src/policy.js';

const m1 = await readInventory(['test/fixtures/m1/lspci.txt']);
const m2 = await readInventory(['test/fixtures/m2/lspci.txt']);
const m3 = await readInventory(['test/fixtures/m3/lspci.txt']);

/** m1's NVMe controller: 65 entries at 0x2000, PBA at 0x3000 of 16 KiB. */
const NVME = 0xfe200000;

function answers({ policies: all }: Explanation) {
  return Object.fromEntries(
    all.map(({ policy, read, writes, reasons }) => [
      policy,
      {
        read: read.text,
        writes: writes.map(({ text }) => text),
        sources: reasons.map(({ source }) => source),
        read0: read,
        write0: writes[0],
      },
    ]),
  );
}

const nvme = (offset: number, width: Width, options?: ExplainOptions) =>
  explain(m1, NVME + offset, width, options);

describe('table entries', () => {
  it.each<[number, Width, string, string[]]>([
    [0x2080, 4, 'message address', ['message address']],
    [0x2084, 4, 'message upper address', ['message upper address']],
    [0x2088, 4, 'message data', ['message data']],
    [0x208c, 4, 'vector control, bit 0 masks', ['vector control']],
    [0x2080, 8, 'message address and message upper address', ['message address', 'message upper address']],
    [0x2088, 8, 'message data and vector control, bit 0 masks', ['message data', 'vector control']],
  ])('0x%x, %d bytes: %s', (offset, width, text, fields) => {
    const explanation = nvme(offset, width);
    expect(explanation.parts).toEqual([
      {
        first: 0,
        last: width - 1,
        owner: 'table',
        sbdf: '0000:01:00.0',
        region: 'BAR0',
        offset,
        text: `MSI-X entry 8, ${text}`,
        fields,
      },
    ]);
    for (const { read, writes, reasons } of explanation.policies) {
      expect(read).toMatchObject({ result: 'entry', entry: { index: 8, fields }, host: [], diagnostics: [] });
      expect(reasons[0]).toMatchObject({ source: 'PCIe 7.7.2' });
      if (!fields.includes('vector control')) {
        expect(writes).toMatchObject([{ result: 'entry', entry: { index: 8, fields }, mask: undefined }]);
      } else {
        expect(writes).toMatchObject([
          { result: 'entry', mask: false, arms: 8 },
          { result: 'entry', mask: true, arms: undefined },
        ]);
        expect(writes[0].text).toContain('unmasks vector 8 and arms it');
        expect(writes[1].text).toContain('masks vector 8; the host masks it too');
      }
    }
  });

  it('arm nothing while MSI-X is disabled, as m2 lists its shared memory device', () => {
    const explanation = explain(m2, 0xfe00500c, 4);
    expect(explanation.parts[0].sbdf).toBe('0000:00:08.0');
    for (const { writes } of explanation.policies) {
      expect(writes[0]).toMatchObject({ arms: undefined, mask: false });
      expect(writes[0].text).toBe(
        'unmasks vector 0 and arms nothing yet: MSI-X is disabled, or the function masked',
      );
      expect(writes[1].text).toBe('masks vector 0');
    }
  });

  it.each<[number, Width]>([
    [0x2080, 1],
    [0x2080, 2],
    [0x2082, 4],
    [0x2084, 8],
  ])('0x%x with %d bytes is refused', (offset, width) => {
    for (const answer of Object.values(answers(nvme(offset, width)))) {
      expect(answer).toMatchObject({
        read: 'all ones [bad-size]',
        writes: ['dropped [bad-size]'],
        sources: ['PCIe 6.1.4.2'],
      });
    }
  });

  it('names every entry that an access touches', () => {
    expect(nvme(0x208e, 4).parts[0].text).toBe(
      'MSI-X entry 8, vector control; MSI-X entry 9, message address',
    );
  });
});

describe('the PBA', () => {
  it.each<[number, Width, string]>([
    [0x3000, 4, 'PBA word 0, bits of vectors 0..31'],
    [0x3004, 4, 'PBA word 0, bits of vectors 32..63'],
    [0x3000, 8, 'PBA word 0, bits of vectors 0..63'],
    [0x3008, 4, 'PBA word 1, bits of vector 64'],
    [0x300c, 4, 'PBA word 1, bits of no vector'],
  ])('0x%x, %d bytes: %s', (offset, width, text) => {
    const explanation = nvme(offset, width);
    expect(explanation.parts).toMatchObject([{ owner: 'pba', text }]);
    for (const { read, writes } of explanation.policies) {
      expect(read).toMatchObject({ result: 'host', host: [{ address: NVME + offset, width }] });
      expect(writes).toMatchObject([{ result: 'none', text: 'dropped', diagnostics: [] }]);
    }
  });

  it('is written by the hardware domain', () => {
    for (const { writes } of nvme(0x3000, 4, { domain: 'hardware' }).policies) {
      expect(writes).toMatchObject([{ result: 'host', host: [{ address: NVME + 0x3000, width: 4 }] }]);
    }
  });

  it('answers any width under xenV3 only', () => {
    const { strict, xen, xenV3 } = answers(nvme(0x3001, 2));
    for (const answer of [strict, xen]) {
      expect(answer).toMatchObject({ read: 'all ones [bad-size]', writes: ['dropped [bad-size]'] });
      expect(answer.sources).toEqual(['PCIe 6.1.4.2; policy row pbaWidths']);
    }
    expect(xenV3.read).toBe(
      'the device, byte by byte: host reads at 0xfe203001..0xfe203002 [unaligned-read]',
    );
    expect(xenV3.writes).toEqual(['dropped']);
  });
});

describe('registers', () => {
  it('beside the table are the device, in any width', () => {
    for (const width of [1, 2, 4, 8] as const) {
      const explanation = nvme(0x2800, width);
      expect(explanation.parts).toMatchObject([{ owner: 'adjacent' }]);
      for (const { read, writes, reasons } of explanation.policies) {
        expect([read, ...writes]).toMatchObject([
          { result: 'host', host: [{ address: NVME + 0x2800, width }] },
          { result: 'host', host: [{ address: NVME + 0x2800, width }] },
        ]);
        expect(reasons).toMatchObject([{ source: 'policy row adjacent' }]);
      }
    }
  });

  it('unaligned, byte by byte', () => {
    for (const { read, writes, reasons } of nvme(0x2801, 4).policies) {
      expect(read.host).toEqual([1, 2, 3, 4].map((at) => ({ address: NVME + 0x2800 + at, width: 1 })));
      expect(read.diagnostics).toEqual(['unaligned-read']);
      expect(writes[0].diagnostics).toEqual(['unaligned-write']);
      expect(reasons.map(({ rule }) => rule).join()).toContain('split into bytes');
    }
  });

  it.each([
    [m1, NVME, '0000:01:00.0'],
    [m1, 0xfe445004, '0000:00:1f.2'],
    [m3, 0xfda42000, '0000:02:00.0'],
  ])('on a page that need not trap', (inventory, address, sbdf) => {
    const explanation = explain(inventory, address, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'direct', sbdf }]);
    for (const { read, writes, reasons } of explanation.policies) {
      expect([read.result, writes[0].result]).toEqual(['unclaimed', 'unclaimed']);
      expect(reasons[0].rule).toContain('mapped directly');
    }
  });

  it('of a ROM that is not enabled', () => {
    const explanation = explain(m1, 0xfe400000, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'off', region: 'ROM', sbdf: '0000:00:04.0' }]);
    expect(explanation.policies[0].reasons).toMatchObject([{ source: 'PCIe 7.5.1.1.3, 7.5.1.2.4' }]);
  });

  it('of nobody', () => {
    const explanation = explain(m1, 0x1000, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'nobody', sbdf: undefined, text: 'in no BAR' }]);
    for (const { read, reasons } of explanation.policies) {
      expect(read.result).toBe('unclaimed');
      expect(reasons).toHaveLength(1);
    }
  });
});

describe('an access across owners', () => {
  it('table and registers: per byte under strict, refused by the others', () => {
    const explanation = nvme(0x240e, 4);
    expect(explanation.parts).toMatchObject([
      { first: 0, last: 1, owner: 'table' },
      { first: 2, last: 3, owner: 'adjacent', offset: 0x2410 },
    ]);
    const { strict, xen, xenV3 } = answers(explanation);
    expect(strict.read).toBe(
      'the device, byte by byte: host reads at 0xfe202410..0xfe202411; bytes 0..1 all ones [unaligned-read, bad-size]',
    );
    expect(strict.write0).toMatchObject({ result: 'partly', host: [{ width: 1 }, { width: 1 }] });
    expect(strict.sources).toContain('policy row crossing');
    for (const answer of [xen, xenV3]) expect(answer.read).toBe('all ones [bad-size]');
  });

  it('two pages: registers and PBA', () => {
    const { strict, xen, xenV3 } = answers(nvme(0x2ffe, 4));
    for (const answer of [strict, xen]) expect(answer.read).toContain('; bytes 2..3 all ones');
    expect(xenV3.read).toBe(
      'the device, byte by byte: host reads at 0xfe202ffe..0xfe203001 [unaligned-read]',
    );
    expect(xenV3.writes).toEqual(['dropped']);
  });

  it('past the BAR', () => {
    const explanation = nvme(0x3ffe, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'adjacent' }, { owner: 'nobody' }]);
    const { strict, xen } = answers(explanation);
    expect(strict.read0).toMatchObject({ result: 'partly' });
    expect(xen).toMatchObject({ read: 'all ones', writes: ['dropped'], sources: ['policy row crossing'] });
  });

  it('is looked up by its first byte', () => {
    for (const { read, reasons } of nvme(0x1ffe, 4).policies) {
      expect(read.result).toBe('unclaimed');
      expect(reasons.at(-1)?.rule).toBe('an access is looked up by its first byte');
    }
  });
});

/** What the recorded machines do not have. */
const odd = listed(`02:00.0 Ethernet controller [0200]: A [1af4:1041]
	Region 0: Memory at fe000000 (32-bit, non-prefetchable) [size=256]
	Capabilities: [40] MSI-X: Enable+ Count=2 Masked+
		Vector table: BAR=0 offset=00000000
		PBA: BAR=0 offset=00000080
02:01.0 Ethernet controller [0200]: B [1af4:1041]
	Region 0: Memory at fe000100 (32-bit, non-prefetchable) [size=256]
	Region 1: Memory at fe001000 (32-bit, non-prefetchable) [size=256]
02:02.0 Ethernet controller [0200]: C [1af4:1041]
	Region 0: Memory at fe001100 (32-bit, non-prefetchable) [size=256]
	Region 1: Memory at fe010000 (32-bit, non-prefetchable) [size=4K]
	Capabilities: [40] MSI-X: Enable+ Count=4 Masked-
		Vector table: BAR=1 offset=00000008
		PBA: BAR=1 offset=00000800
02:03.0 Ethernet controller [0200]: D [1af4:1041]
	Region 0: Memory at fe020000 (32-bit, non-prefetchable) [size=4K]
	Capabilities: [40] MSI-X: Enable+ Count=4 Masked-
		Vector table: BAR=3 offset=00000000
		PBA: BAR=0 offset=00000800
02:04.0 Ethernet controller [0200]: E [1af4:1041]
	Region 0: Memory at fe020000 (32-bit, non-prefetchable) [size=4K]
02:05.0 Ethernet controller [0200]: F [1af4:1041]
	Region 0: Memory at fe030000 (32-bit, non-prefetchable) [disabled] [size=4K]
	Capabilities: [40] MSI-X: Enable- Count=4 Masked-
		Vector table: BAR=0 offset=00000000
		PBA: BAR=0 offset=00000800
02:06.0 Ethernet controller [0200]: G [1af4:1041]
	Region 0: Memory at fe040000 (32-bit, non-prefetchable) [size=16K]
	Capabilities: [40] MSI-X: Enable+ Count=512 Masked-
		Vector table: BAR=0 offset=00000000
		PBA: BAR=0 offset=00001fc0
`);

function listed(text: string) {
  const reader = new LspciReader();
  for (const line of text.split('\n')) reader.line(line);
  return reader.functions();
}

it('takes a BAR where Enhanced Allocation has it, at no multiple of its size', () => {
  const elsewhere = listed(`03:00.0 Ethernet controller [0200]: H [1af4:1041]
	Region 0: Memory at fe101000 (64-bit, non-prefetchable) [size=16K]
	Capabilities: [40] MSI-X: Enable+ Count=2 Masked-
		Vector table: BAR=0 offset=00003000
		PBA: BAR=0 offset=00003800
`);
  for (const { read } of explain(elsewhere, 0xfe104018, 4).policies) {
    expect(read).toMatchObject({ result: 'entry', entry: { index: 1 } });
  }
  for (const { read } of explain(elsewhere, 0xfe104ff8, 4).policies) {
    expect(read).toMatchObject({ result: 'host', host: [{ address: 0xfe104ff8, width: 4 }] });
  }
});

describe('a shared page', () => {
  it('neighbours of a table: their own under strict, the newest function to Xen', () => {
    const explanation = explain(odd, 0xfe000100, 4);
    expect(explanation.parts).toMatchObject([
      { owner: 'neighbour', text: 'registers on a page shared with 0000:02:00.0 BAR0' },
    ]);
    for (const { read, reasons } of explanation.policies) {
      expect(read).toMatchObject({ result: 'host' });
      expect(reasons).toMatchObject([{ source: 'policy row sharedPage' }]);
    }
  });

  it('without a table traps under strict only', () => {
    const { strict, xen, xenV3 } = answers(explain(odd, 0xfe001000, 4));
    expect(strict.read0.result).toBe('host');
    for (const answer of [xen, xenV3]) {
      expect(answer).toMatchObject({ read0: { result: 'unclaimed' }, sources: ['policy row sharedPage'] });
    }
  });

  it("nobody's bytes: all ones under strict, the host page's to Xen", () => {
    const { strict, xen, xenV3 } = answers(explain(odd, 0xfe000400, 4));
    expect(strict).toMatchObject({ read: 'all ones', writes: ['dropped'], sources: ['policy row adjacent'] });
    for (const answer of [xen, xenV3]) {
      expect(answer).toMatchObject({ read0: { result: 'host' }, sources: ['policy row adjacent'] });
    }
  });
});

describe('rows of the policies', () => {
  it('field: a table at 8 modulo 16', () => {
    const { strict, xen, xenV3 } = answers(explain(odd, 0xfe010008, 4));
    expect(strict.read).toBe("the guest's entry 0: message address");
    for (const answer of [xen, xenV3]) {
      expect(answer.read).toBe("the guest's entry 0: message data");
      expect(answer.sources).toContain('policy row field');
    }
  });

  it('tailPage: a PBA over the end of a table that ends at a page', () => {
    const explanation = explain(odd, 0xfe041fc0, 4);
    expect(explanation.parts[0].text).toBe(
      'PBA word 0, bits of vectors 0..31, over MSI-X entry 508, message address',
    );
    const { strict, xen } = answers(explanation);
    expect(strict.read).toBe('the device: host read of 4 bytes at 0xfe041fc0');
    expect(xen.read).toBe('the device: host read of 4 bytes at 0xfe042fc0');
    expect(xen.sources).toContain('policy row tailPage');
    expect(strict.sources).not.toContain('policy row tailPage');
  });

  it('malformed: a table in no BAR; overlap', () => {
    const { strict, xen, xenV3 } = answers(explain(odd, 0xfe020800, 4));
    expect(strict.sources.slice(0, 2)).toEqual(['policy row malformed', 'policy row sharedPage']);
    expect(xen.sources[0]).toBe('policy row malformed');
    expect(xenV3.read).toBe('the device: host read of 4 bytes at 0xfe020800');
    expect(xenV3.sources[0]).toBe('policy row malformed');
  });

  it('a masked function arms nothing', () => {
    for (const { writes } of explain(odd, 0xfe00000c, 4).policies) expect(writes[0].arms).toBeUndefined();
  });

  it('decoding off', () => {
    const explanation = explain(odd, 0xfe03000c, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'off', sbdf: '0000:02:05.0', text: 'not decoded' }]);
    for (const { read } of explanation.policies) expect(read.result).toBe('unclaimed');
  });
});

it('answers for the policies asked, and always with a reason', () => {
  const options = { policies: [policies.xen] };
  expect(nvme(0x2000, 4, options).policies.map(({ policy }) => policy)).toEqual(['xen']);
  for (let address = 0xfe000000 - 8; address < 0xfe000220; address += 7) {
    for (const width of [1, 2, 4, 8] as const) {
      for (const { policy, reasons } of explain(odd, address, width).policies) {
        expect(reasons, `0x${address.toString(16)}+${width} ${policy}`).not.toEqual([]);
      }
    }
  }
});

describe('an expansion ROM', () => {
  const roms = listed(`
03:00.0 VGA compatible controller [0300]: H [1234:1111]
	Region 0: Memory at fe050000 (32-bit, non-prefetchable) [size=4K]
	Expansion ROM at fe060000 [size=64K]
03:01.0 VGA compatible controller [0300]: I [1234:1111]
	Expansion ROM at fe070000 [disabled] [size=64K]
`);

  it('is answered from its copy under strict, and does not trap to Xen', () => {
    const explanation = explain(roms, 0xfe068004, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'rom', region: 'ROM', offset: 0x8004 }]);
    const { strict, xen, xenV3 } = answers(explanation);
    expect(strict).toMatchObject({
      read: "the ROM's copy",
      writes: ['dropped'],
      sources: ['PCI 3.0 6.2.5.2; policy row rom'],
    });
    for (const answer of [xen, xenV3]) {
      expect(answer).toMatchObject({ read0: { result: 'unclaimed' }, sources: ['policy row rom'] });
    }
  });

  it('that is not enabled answers nothing', () => {
    const explanation = explain(roms, 0xfe070000, 4);
    expect(explanation.parts).toMatchObject([{ owner: 'off', region: 'ROM' }]);
    expect(answers(explanation).strict.read0.result).toBe('unclaimed');
  });
});

describe('an explainer', () => {
  /** An entry's dwords, the PBA, and registers beside them. */
  const places = [0x2000, 0x2004, 0x2008, 0x200c, 0x2010, 0x3000, 0x2f00, 0x1000].flatMap((offset) =>
    ([1, 2, 4, 8] as const).flatMap((width) => [0, 1].map((by) => [NVME + offset + by, width] as const)),
  );

  it('explains each access as if it were the first', () => {
    const explainer = new Explainer(m1, { policies: [policies.strict] });
    for (const [address, width] of [...places, ...places.toReversed()]) {
      expect(explainer.explain(address, width)).toEqual(
        explain(m1, address, width, { policies: [policies.strict] }),
      );
    }
  });
});

describe('a host that traps all', () => {
  it('answers on pages that need not trap', () => {
    const { strict } = answers(nvme(0x1000, 4, { policies: [policies.strict], trapAll: true }));
    expect(strict.read0.result).toBe('host');
    expect(strict.write0.result).toBe('host');
    expect(strict.sources).toContain('policy row adjacent');
  });
});

describe('functions that are device models', () => {
  const options = { policies: [policies.strict], software: true };
  const said = (offset: number, width: Width) => answers(nvme(offset, width, options)).strict;

  it('have an emulated PBA, which is read and not written', () => {
    expect(said(0x3000, 8)).toMatchObject({
      read: 'the pending bits of the emulated PBA',
      writes: ['dropped'],
      read0: { result: 'pending', host: [] },
    });
  });

  it.each([
    [0x3000, 1],
    [0x3002, 4],
  ] as const)('answer PBA reads of other widths with ones: 0x%x, %d bytes', (offset, width) => {
    expect(said(offset, width).read).toMatch(/^all ones/);
  });

  it('are told of masks', () => {
    const live = m1.map((fn) =>
      fn.msix ? { ...fn, msix: { ...fn.msix, enabled: true, masked: false } } : fn,
    );
    const { writes } = answers(explain(live, NVME + 0x208c, 4, options)).strict;
    expect(writes).toEqual([
      'unmasks vector 8 and arms it with the address and data written',
      'masks vector 8; the model is told',
    ]);
  });

  it('have their registers served by the model', () => {
    expect(said(0x2f00, 4).read).toBe('the device model: read of 4 bytes at 0xfe202f00');
    expect(said(0x2f01, 2).writes).toEqual([
      'the device model, byte by byte: writes at 0xfe202f01..0xfe202f02 [unaligned-write]',
    ]);
  });
});
