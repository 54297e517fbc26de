import { describe, expect, it } from 'vitest';
import { audit } from '../../src/audit/audit.js';
import { auditJson } from '../../src/report/audit-json.js';
import { auditPage } from '../../src/report/audit-page.js';
import { auditText } from '../../src/report/audit-text.js';
import { bar, example1, example2, fn, machine } from '../audit/machines.js';

/** Three functions of one page. */
const crowd = Array.from({ length: 3 }, (_, index) =>
  fn(`01:0${index}.0`, [bar(0, 0x80000000 + 256 * index, 256)]),
);
const window = { start: 0x80000000, end: 0x80001000, prefetchable: false };
/** Behind a bridge that passes on the page and no more. */
const narrow = audit(
  machine([fn('00:01.0', [], { bridge: { secondary: 1, subordinate: 1, windows: [window] } }), ...crowd]),
);
/** The host bridge has no more. */
const full = audit(
  machine(crowd, { memory: [{ start: 0x80000000, end: 0x80001000, name: 'PCI Bus 0000:01', depth: 0 }] }),
);
/** With a BAR that its size, not known, fixes. */
const fixed = audit(
  machine([fn('01:00.0', [bar(0, 0x80000100, undefined)]), fn('01:01.0', [bar(0, 0x80000200, 256)])]),
);

describe('the text', () => {
  const text = auditText(audit(example2));

  it('begins with the totals and what is worst', () => {
    const [first, , second] = text.split('\n');
    expect(first).toBe('4 functions, pages of 4 KiB: 1 high, 2 warnings, 2 info');
    expect(second).toBe('F3 functions share a page');
  });

  it('says who owns which bytes, where BARs go, the option, and what is left', () => {
    for (const line of [
      '            0x7050000020-0x705000003f  0000:01:01.0 BAR 2',
      '    0000:01:00.0 and 0000:01:01.0: page 0x7050000000-0x7050000fff; not after the plan',
      '  alone: 0000:01:03.0',
      '  0000:01:01.0 BAR 2  0x7050000020 -> 0x7050001000',
      '  window 0x7040000000-0x70500fffff is assumed: no bridge or /proc/iomem shows it',
      '  boot Linux with pci=resource_alignment=12@01:00.0;12@01:01.0;12@01:02.0',
      '  left: 2 info',
      '  moved 2 BARs of 2 functions and left all sizes true',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it.each([
    [narrow, '  0000:01:01.0 BAR 0  no free page until 0000:00:01.0 passes on more'],
    [narrow, '  bridge 0000:00:01.0 must pass on 1 MiB more than 0x80000000-0x80000fff'],
    [full, '  0000:01:01.0 BAR 0  no free page in a window that it may be in'],
    [fixed, '  cannot move 0000:01:00.0 BAR 0: its size is not known'],
  ])('says what stands in the way of the plan: %#', (result, line) => {
    expect(auditText(result).split('\n')).toContain(line);
  });

  it('says what was not seen, and when there is nothing to do', () => {
    const quiet = auditText(
      audit(machine([fn('01:00.0', [bar(0, 0x80000000, 4096)])], { unseen: ['sizes'] })),
    );
    expect(quiet).toBe(
      [
        '1 function, pages of 4 KiB: nothing found',
        '',
        'Groups that go to a guest together',
        '  alone: 0000:01:00.0',
        '',
        'Plan: nothing to move',
        '',
        'pci=resource_alignment=all, prepared for Linux in 2024 and never merged, would have',
        '  moved nothing',
        '  left: nothing found',
        '',
        'Not seen',
        '  sizes',
        '',
      ].join('\n'),
    );
  });
});

describe('the JSON', () => {
  const json = auditJson(audit(example2), 'node7');

  it('names its schema and version, and is plain data', () => {
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toMatchObject({
      schema: 'trapline-audit',
      version: 1,
      host: 'node7',
      pageSize: 4096,
      functions: 4,
    });
    expect(JSON.stringify(json)).not.toContain('\n');
  });

  it('has findings, groups and plan', () => {
    expect(json.severities).toEqual({ high: 1, warning: 2, info: 2 });
    expect(json.findings.find(({ code }) => code === 'F3')).toMatchObject({
      severity: 'high',
      functions: ['0000:01:00.0', '0000:01:01.0', '0000:01:02.0'],
      pages: [{ start: 0x7050000000, end: 0x7050001000 }],
    });
    expect(json.groups[0].edges[0]).toEqual({
      from: '0000:01:00.0',
      to: '0000:01:01.0',
      reason: 'shared-page',
      detail: 'page 0x7050000000-0x7050000fff',
      goneAfterPlan: true,
    });
    expect(json.plan.moves).toEqual([
      { function: '0000:01:01.0', index: 2, from: 0x7050000020, to: 0x7050001000, size: 32 },
      { function: '0000:01:02.0', index: 2, from: 0x7050000040, to: 0x7050002000, size: 32 },
    ]);
    expect(json.plan.groups).toEqual([
      ['0000:01:00.0'],
      ['0000:01:01.0'],
      ['0000:01:02.0'],
      ['0000:01:03.0'],
    ]);
  });
});

describe('the JSON of what has no room', () => {
  it('names the bridge that must pass on more, and whose BARs wait for it', () => {
    const { plan } = auditJson(narrow, null);
    expect(plan.growth).toEqual([
      { bridge: '0000:00:01.0', window: { start: 0x80000000, end: 0x80001000 }, by: 0x100000 },
    ]);
    expect(plan.unplaced).toEqual(
      ['0000:01:01.0', '0000:01:02.0'].map((name) => ({ function: name, index: 0, bridge: '0000:00:01.0' })),
    );
  });

  it('has no bridge where none helps', () => {
    expect(auditJson(full, null).plan.unplaced.map(({ bridge }) => bridge)).toEqual([null, null]);
  });
});

describe('the page', () => {
  const maps = (page: string) => [...page.matchAll(/<svg class="heat".*?<\/svg>/g)].map(([map]) => map);

  /** Cells of a page map by the owner that their hover text names. */
  const cells = (map: string) => {
    const owners: { [owner: string]: number } = {};
    for (const [, width, height, text] of map.matchAll(
      /width="(\d+)" height="(\d+)"[^>]*><title>(.*?)<\/title>/g,
    )) {
      owners[text] = (owners[text] ?? 0) + (Number(width) * Number(height)) / 64;
    }
    return owners;
  };

  it('draws each byte of a shared page for its owner', () => {
    const [map, ...others] = maps(auditPage(audit(example1), null));
    expect(others).toEqual([]);
    expect(cells(map)).toEqual({
      "nobody's": 4096,
      '0xd1924000-0xd19243ff 0000:01:00.0 BAR 2': 1024,
      '0xd1924400-0xd19245ff 0000:01:00.0 BAR 1': 512,
      '0xd1924600-0xd19246ff 0000:01:00.0 BAR 0': 256,
      '0xd1924680-0xd192469f 0000:01:00.0 MSI-X table': 32,
      '0xd1924690-0xd1924697 0000:01:00.0 MSI-X PBA': 8,
    });
  });

  it('draws half cells where a page is larger than 4 KiB', () => {
    const small = machine([fn('01:00.0', [bar(0, 0x80000000, 4096), bar(1, 0x80008000, 16)])]);
    const [map] = maps(auditPage(audit(small, { pageSize: 65536 }), null));
    expect(cells(map)).toMatchObject({
      '0x80000000-0x80000fff 0000:01:00.0 BAR 0': 256,
      '0x80008000-0x8000800f 0000:01:00.0 BAR 1': 1,
    });
  });

  it('escapes what it is given', () => {
    const page = auditPage(audit(machine([fn('01:00.0', [])], { unseen: ['<b>'] })), '</title><script>');
    expect(page).not.toContain('<b>&');
    expect(page).toContain('&#60;b&#62;');
    expect(page.match(/<script>/g)).toHaveLength(1);
  });

  it.each([
    [narrow, 'no free page until 0000:00:01.0 passes on more'],
    [narrow, 'bridge 0000:00:01.0 must pass on 1 MiB more than 0x80000000-0x80000fff'],
    [full, 'no free page in a window that it may be in'],
    [fixed, 'cannot move 0000:01:00.0 BAR 0: its size is not known'],
  ])('says what stands in the way of the plan: %#', (result, text) => {
    expect(auditPage(result, null)).toContain(text);
  });

  it('says so where nothing is shared', () => {
    const page = auditPage(audit(machine([fn('01:00.0', [bar(0, 0x80000000, 4096)])])), null);
    expect(maps(page)).toEqual([]);
    expect(page).toContain('<p>None.</p>');
  });
});
