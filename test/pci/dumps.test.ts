import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { readInventory } from '../../src/inventory/read-machine.js';
import { listedResources } from '../../src/inventory/sysfs-resource.js';
import { describeImage } from '../../src/pci/image.js';
import { formatSbdf, parseSbdf } from '../../src/sbdf.js';
import { configsOf } from '../inventory/dumps.js';
import { MemoryHost } from '../memory-host.js';

/** sysfs `resource` of all functions of a machine, each line after its SBDF. */
function sizesOf(machine: string): Map<number, number[]> {
  const text = gunzipSync(readFileSync(`test/fixtures/${machine}/resource.txt.gz`)).toString();
  const lines = new Map<number, string[]>();
  for (const line of text.trim().split('\n')) {
    const sbdf = parseSbdf(line.split(' ', 1)[0]);
    lines.set(sbdf, [...(lines.get(sbdf) ?? []), line.slice(line.indexOf(' ') + 1)]);
  }
  return new Map(
    [...lines].map(([sbdf, of]) => {
      const sizes: number[] = [];
      for (const { index, size = 0 } of listedResources(of.join('\n'))?.bars ?? []) sizes[index] = size;
      return [sbdf, sizes];
    }),
  );
}

describe.each(['m1', 'm2', 'm3'])('the dumps of %s', (machine) => {
  it('give every function the BARs, sizes and MSI-X layout that lspci prints', async () => {
    const inventory = await readInventory([`test/fixtures/${machine}/lspci.txt`]);
    const dumps = configsOf(machine);
    const sizes = sizesOf(machine);
    expect([...dumps.keys()].sort()).toEqual(inventory.map(({ sbdf }) => sbdf).sort());
    let withMsix = 0;
    for (const shown of inventory) {
      const image = dumps.get(shown.sbdf) as Uint8Array;
      const { bars, msix } = describeImage(image, sizes.get(shown.sbdf) ?? []);
      const name = formatSbdf(shown.sbdf);
      const listed = shown.bars.filter(({ virtual, address }) => !virtual && address !== undefined);
      expect(
        bars
          .filter(({ address }) => address !== 0)
          .map(({ index, type, address, size }) => ({ index, type, address, size })),
        name,
      ).toEqual(listed.map(({ index, type, address, size }) => ({ index, type, address, size })));
      const layout = shown.msix && {
        count: shown.msix.count,
        table: shown.msix.table,
        pba: shown.msix.pba,
        capability: shown.msix.capability,
      };
      expect(msix, name).toEqual(layout);
      if (msix) withMsix++;
    }
    expect(withMsix).toBeGreaterThan(3);
  });

  it('make functions whose configuration space reads as dumped', async () => {
    const dumps = configsOf(machine);
    const sizes = sizesOf(machine);
    const dispatcher = createDispatcher({ host: new MemoryHost(), domain: 'hardware' });
    for (const [sbdf, image] of dumps) {
      const fn = dispatcher.assign({ sbdf, ...describeImage(image, sizes.get(sbdf) ?? []) });
      const enabled =
        (image[4] & 2) !== 0 && fn.bars.some(({ type }) => type === 'mem32' || type === 'mem64');
      for (let offset = 0; offset < image.length; offset += 4) {
        const view = new DataView(image.buffer, image.byteOffset + offset, 4);
        let wanted = view.getUint32(0, true);
        // COMMAND: memory only where there is memory to decode. Message Control: off at assign.
        if (offset === 4 && !enabled) wanted &= ~2;
        if (fn.msix && offset === fn.msix.capability) wanted &= 0x3fffffff;
        expect(fn.config.read(offset, 4), `${formatSbdf(sbdf)} at 0x${offset.toString(16)}`).toBe(
          wanted >>> 0,
        );
      }
    }
  });
});
