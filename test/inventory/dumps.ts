import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { functionHead } from '../../src/inventory/function-head.js';
import { hexdumpRow } from '../../src/inventory/hexdump.js';
import type { Machine } from '../../src/inventory/machine.js';
import { Sight } from '../../src/inventory/sight.js';
import { sightOfSysfs } from '../../src/inventory/sysfs.js';
import { formatSbdf, type Sbdf } from '../../src/sbdf.js';

export const MACHINES = ['m1', 'm2', 'm3'] as const;

export const lspciOf = (machine: string): string => `test/fixtures/${machine}/lspci.txt`;
export const hexdumpOf = (machine: string): string => `test/fixtures/${machine}/lspci-xxxx.txt.gz`;

/** Configuration spaces of a recorded machine, as `lspci -xxxx` printed them. Which are not whole is filled up with zeros. */
export function configsOf(machine: string): Map<Sbdf, Uint8Array> {
  const dumps = new Map<Sbdf, number[]>();
  let current: number[] = [];
  for (const line of gunzipSync(readFileSync(hexdumpOf(machine)))
    .toString()
    .split('\n')) {
    const sbdf = functionHead(line)?.sbdf;
    if (sbdf !== undefined) {
      current = [];
      dumps.set(sbdf, current);
    }
    current.push(...(hexdumpRow(line)?.bytes ?? []));
  }
  return new Map(
    [...dumps].map(([sbdf, bytes]) => {
      const image = new Uint8Array(bytes.length > 256 ? 4096 : 256);
      image.set(bytes);
      return [sbdf, image];
    }),
  );
}

/** A machine as a sysfs shows it. */
export function machineOf(sysfs: string): Machine {
  const sight = new Sight();
  sightOfSysfs(sysfs, sight);
  return sight.machine();
}

export interface DumpedFunction {
  readonly resource: string;
  readonly config: Uint8Array;
}

/** What sysfs had of a recorded machine, by `0000:bb:dd.f`. */
export function dumpsOf(machine: string): Map<string, DumpedFunction> {
  const text = gunzipSync(readFileSync(`test/fixtures/${machine}/resource.txt.gz`)).toString();
  const resources = new Map<string, string>();
  for (const line of text.trim().split('\n')) {
    const [place] = line.split(' ', 1);
    resources.set(place, `${resources.get(place) ?? ''}${line.slice(place.length + 1)}\n`);
  }
  return new Map(
    [...configsOf(machine)].map(([sbdf, config]) => {
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
