import { describe, expect, it } from 'vitest';
import { policies } from '../../src/policy.js';
import { replayJson } from '../../src/report/replay-json.js';
import { replayPage } from '../../src/report/replay-page.js';
import { replayText } from '../../src/report/replay-text.js';
import { Replay } from '../../src/trace/replay.js';
import type { ReplayedFile } from '../../src/trace/replay-file.js';

/** A function with a table beside another's small BAR on one page. */
function replayed(): ReplayedFile {
  const replay = new Replay(policies.strict);
  const msix = { count: 3, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x40 } };
  const nic = replay.add(0x100, 'Nic <"&\'> </script>', [{ index: 0, type: 'mem32', size: 0x100 }], msix);
  const small = replay.add(0x101, 'Small', [{ index: 2, type: 'mem32', size: 0x100 }], undefined);
  replay.place(nic, new Map([[0, 0xfe000000]]));
  replay.place(small, new Map([[2, 0xfe000800]]));
  nic.trapped.writeMessageControl(0x8000);
  replay.access(true, 4, 0xfe000000, 0xfee01004, 0, 1);
  replay.access(true, 8, 0xfe000008, 0x21, 0, 2);
  replay.access(false, 4, 0xfe000804, 7, 0, 3);
  replay.access(false, 2, 0xfe000000, 0, 0, 4);
  replay.access(false, 4, 0x1000, 0, 0, 5);
  return {
    path: 'folder/a <trace>.txt',
    format: 'mmiotrace',
    policy: policies.strict,
    replay,
    badLines: 1,
    bad: ['a <trace>.txt:9: expected <something>'],
    unknown: 2,
    notes: ['the tracer lost 3 events'],
    assumedEnabled: [0x100],
    assumedPlaced: [0x101],
  };
}

describe('the page', () => {
  const page = replayPage(replayed());

  it('draws every byte of a trapped page', () => {
    const maps = [...page.matchAll(/<svg class="heat".*?<\/svg>/g)].map(([map]) => map);
    expect(maps).toHaveLength(1);
    const cells = [...maps[0].matchAll(/<rect class="(\w+)" x="(\d+)" y="(\d+)" width="(\d+)" height="8"/g)];
    const bytes = new Map<string, number>();
    for (const [, kind, , , width] of cells) bytes.set(kind, (bytes.get(kind) ?? 0) + Number(width) / 8);
    expect(Object.fromEntries(bytes)).toEqual({
      table: 0x30,
      pba: 8,
      adjacent: 0xc8,
      neighbour: 0x100,
      nobody: 0xe00,
    });
  });

  it.each([
    ['an entry', 'entry 0 address, 0000:01:00.0 BAR 0 + 0x0: 1 read, 1 write'],
    ['part of an entry', 'entry 0 vector control, 0000:01:00.0 BAR 0 + 0xc: 0 reads, 1 write'],
    ['the PBA', 'pending bits from vector 0 on, 0000:01:00.0 BAR 0 + 0x40: no access'],
    ['a neighbour', '0x804\u20130x807 neighbour, 0000:01:00.1 BAR 2 + 0x4: 1 read, 0 writes'],
    ['the page', '0000:01:00.0 BAR 0 + 0x0<br>0000:01:00.1 BAR 2 starts at 0x800 of the page'],
    ['what was left out', 'UNKNOWN lines left out'],
    ['a note', 'the tracer lost 3 events'],
    ['an assumption', 'MSI-X enabled and unmasked: 0000:01:00.0'],
    ['the table at the end', '00000000 fee01004'],
    ['a difference', 'line 0: 0000:01:00.0 table R2 0xfe000000: recorded 0x0000, answered 0xffff (width)'],
    ['a kind over time', 'unclaimed: 1 access'],
  ])('tells %s', (_, text) => {
    expect(page.includes(text)).toBe(true);
  });

  it('escapes what it shows', () => {
    expect(page).not.toMatch(/<trace>|<something>|Nic </);
    expect(page.match(/<\/script>/g)).toHaveLength(1);
  });
});

it('names a region that is no BAR, of which there may be several', () => {
  const file = replayed();
  const nic = file.replay.function(0x100)!;
  for (const address of [0xfd000000, 0xfd004000]) {
    expect(file.replay.placeRegion(nic, address, 0x1800)).toEqual([]);
    file.replay.access(false, 4, address + 4, 1, 0, 6);
    file.replay.access(true, 4, address + 0x1000, 1, 0, 6);
  }
  const page = replayPage(file);
  expect(page.match(/<svg class="heat"/g)).toHaveLength(5);
  expect(page.match(/<b>0000:01:00\.0 region \+ 0x1000<\/b>/g)).toHaveLength(2);
  expect(page).toContain('region, 0000:01:00.0 region + 0x4: 1 read, 0 writes');
  expect(page).toContain('region that is no BAR');
  expect(page).toContain('<b>9</b><span>accesses');
  expect(page).toContain('<b>8</b><span>trapped, on 5 pages');
});

it('has regions in its JSON only where some were accessed', () => {
  const file = replayed();
  const nic = file.replay.function(0x100)!;
  const owners = () => replayJson(file).functions.map((fn) => fn.owners.region);
  expect(owners()).toEqual([undefined, undefined]);
  file.replay.placeRegion(nic, 0xfd000000, 0x1000);
  file.replay.access(false, 4, 0xfd000000, 1, 0, 6);
  expect(owners()).toEqual([{ reads: 1, writes: 0 }, undefined]);
});

describe('the text', () => {
  it('is complete', () => {
    expect(replayText(replayed())).toBe(`folder/a <trace>.txt: Linux mmiotrace log; policy strict
5 accesses, 1 unclaimed (1 read, 0 writes), 2 UNKNOWN lines left out, 1 bad line
assumed, as the inventory says Enable+: MSI-X enabled and unmasked: 0000:01:00.0
assumed, as the log has no config write: BARs and decoding of the inventory: 0000:01:00.1
note: the tracer lost 3 events

 kind       reads  writes  unaligned  widths
0000:01:00.0  Nic <"&'> </script>
 table          1       2          0  R2 1, W4 1, W8 1
0000:01:00.1  Small
 neighbour      1       0          0  R4 1

vectors armed: 1 time (0000:01:00.0 1)

differences: 1
  1 width: width or alignment that the policy does not allow
each:
  line 0: 0000:01:00.0 table R2 0xfe000000: recorded 0x0000, answered 0xffff (width)
`);
  });
});
