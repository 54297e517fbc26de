import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readHexdumps } from '../../src/inventory/hexdump.js';
import { formatSbdf } from '../../src/sbdf.js';

export const MACHINES = ['m1', 'm2', 'm3'] as const;

export const lspciOf = (machine: string): string => `test/fixtures/${machine}/lspci.txt`;
export const hexdumpOf = (machine: string): string => `test/fixtures/${machine}/lspci-xxxx.txt.gz`;

export interface DumpedFunction {
  readonly resource: string;
  readonly config: Uint8Array;
}

/** What sysfs had of a recorded machine, by `0000:bb:dd.f`. */
export async function dumpsOf(machine: string): Promise<Map<string, DumpedFunction>> {
  const text = gunzipSync(readFileSync(`test/fixtures/${machine}/resource.txt.gz`)).toString();
  const resources = new Map<string, string>();
  for (const line of text.trim().split('\n')) {
    const [place] = line.split(' ', 1);
    resources.set(place, `${resources.get(place) ?? ''}${line.slice(place.length + 1)}\n`);
  }
  const configs = await readHexdumps(hexdumpOf(machine));
  return new Map(
    [...configs].map(([sbdf, config]) => {
      const place = formatSbdf(sbdf);
      return [place, { resource: resources.get(place) ?? '', config }];
    }),
  );
}

/** A folder of files as in sysfs; a link is `-> target`. */
export function plant(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string' && content.startsWith('-> '))
      symlinkSync(content.slice(3), join(folder, name));
    else writeFileSync(join(folder, name), content);
  }
}
