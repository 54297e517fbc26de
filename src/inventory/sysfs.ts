import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../input-error.js';
import type { Sbdf } from '../sbdf.js';
import { seenInImage } from './config-image.js';
import { functionHead } from './function-head.js';
import { IomemReader } from './iomem.js';
import type { InventoryBar, InventorySriov } from './machine.js';
import type { SeenFunction } from './seen-function.js';
import type { Sight } from './sight.js';
import { listedResources } from './sysfs-resource.js';

/** What is known of a function, under the names that sysfs has for it. */
interface Attributes {
  /** The first bytes of it. */
  bytes(name: string): Buffer | undefined;
  /** The last name of the path that it leads to. */
  link(name: string): string | undefined;
}

/** Of an attribute; a page is what the kernel gives. */
const LONGEST = 4096;
const LONGEST_IOMEM = 1 << 22;
const ROOT_FORM = join('bus', 'pci', 'devices');

/** Shows what sysfs has: `/sys`, or a copy of it or of `/sys/bus/pci/devices`. Throws `InputError`. */
export function sightOfSysfs(dir: string, sight: Sight): void {
  const names = namesIn(dir);
  if (names === undefined) throw new InputError(`${dir}: expected a folder that can be read`);
  const folder = [dir, join(dir, 'devices'), join(dir, ROOT_FORM)].find((path) =>
    namesIn(path)?.some((name) => placeOf(name) !== undefined),
  );
  if (folder === undefined) {
    throw new InputError(`${dir}: expected /sys, or a copy of /sys/bus/pci/devices, found no function`);
  }
  for (const [place, attributes] of functionsIn(folder)) {
    const sbdf = functionHead(place)?.sbdf;
    if (sbdf === undefined) sight.beyond.add(place);
    else show(sight, sbdf, attributes);
  }
  if (folder !== join(dir, ROOT_FORM)) return;
  const groups = join(dir, 'kernel', 'iommu_groups');
  for (const group of namesIn(groups) ?? []) {
    for (const name of namesIn(join(groups, group, 'devices')) ?? []) {
      const sbdf = functionHead(name)?.sbdf;
      if (sbdf !== undefined && !sight.groups.has(sbdf)) sight.groups.set(sbdf, Number(group));
    }
  }
  showMemory(sight, join(dir, '..', 'proc', 'iomem'));
}

/** `0000:00:1f.2`, or a file whose name begins with it. */
const PLACE = /^([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(\..+)?$/i;
const placeOf = (name: string): string | undefined => PLACE.exec(name)?.[1];

function functionsIn(folder: string): Map<string, Attributes> {
  const functions = new Map<string, Attributes>();
  for (const name of namesIn(folder) ?? []) {
    const [, place, suffix] = PLACE.exec(name) ?? [];
    if (place === undefined || functions.has(place)) continue;
    functions.set(place, suffix === undefined ? inFolder(join(folder, place)) : inFiles(join(folder, place)));
  }
  return functions;
}

const inFolder = (path: string): Attributes => ({
  bytes: (name) => start(join(path, name), LONGEST),
  link: (name) => linked(join(path, name)),
});

/** A copy as files beside each other; `.ids` holds what is short: `vendor=0x8086 device=..`. */
function inFiles(path: string): Attributes {
  const words = start(`${path}.ids`, LONGEST)?.toString('latin1').trim().split(/\s+/) ?? [];
  const short = new Map(words.map((word) => word.split('=', 2) as [string, string]));
  return {
    bytes: (name) => {
      const value = short.get(name);
      if (value) return Buffer.from(value);
      return start(`${path}.${name}`, LONGEST) ?? start(`${path}.${name}.bin`, LONGEST);
    },
    link: (name) => short.get(name) || linked(`${path}.${name}`),
  };
}

function show(sight: Sight, sbdf: Sbdf, attributes: Attributes): void {
  const number = (name: string) => {
    const value = Number(attributes.bytes(name)?.toString('latin1').trim() || Number.NaN);
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const config = attributes.bytes('config');
  const image = config && seenInImage(sbdf, config);
  const text = attributes.bytes('resource')?.toString('latin1');
  const resources = text ? listedResources(text) : undefined;
  const physical = attributes.link('physfn');
  const virtual = physical !== undefined;
  const group = Number(attributes.link('iommu_group') ?? Number.NaN);
  const code = number('class');
  const vendor = number('subsystem_vendor');
  const device = number('subsystem_device');
  const secondary = image?.bridge?.secondary ?? number('secondary_bus_number');
  const subordinate = image?.bridge?.subordinate ?? number('subordinate_bus_number');
  sight.show({
    sbdf,
    classCode: code === undefined ? undefined : code >>> 8,
    vendor: number('vendor'),
    device: number('device'),
    subsystem: vendor && device !== undefined ? { vendor, device } : undefined,
    bars: resources?.bars.map((bar) => asDecoded(bar, image, virtual)),
    bridge:
      secondary === undefined || subordinate === undefined
        ? undefined
        : { secondary, subordinate, windows: resources?.windows },
    sriov: sriovOf(number, image, resources?.virtualBars ?? []),
    interrupt: { irq: number('irq') || undefined },
    physicalFunction: physical === undefined ? undefined : functionHead(physical)?.sbdf,
    iommuGroup: Number.isSafeInteger(group) ? group : undefined,
    driver: attributes.link('driver'),
  });
  if (config) sight.showImage(sbdf, config);
}

/** Where the system has a BAR that the registers do not show, it is that of a virtual function. */
function asDecoded(bar: InventoryBar, image: SeenFunction | undefined, virtual: boolean): InventoryBar {
  if (!image) return { ...bar, virtual };
  const register = image.bars?.find(({ index }) => index === bar.index);
  return {
    ...bar,
    virtual: virtual || register === undefined,
    disabled: register ? register.disabled : bar.disabled,
  };
}

function sriovOf(
  number: (name: string) => number | undefined,
  image: SeenFunction | undefined,
  bars: readonly InventoryBar[],
): InventorySriov | undefined {
  const totalVfs = number('sriov_totalvfs');
  if (totalVfs === undefined || totalVfs === 0) return undefined;
  const registers = typeof image?.sriov === 'object' ? image.sriov : undefined;
  const numVfs = number('sriov_numvfs') ?? 0;
  return {
    enabled: numVfs > 0,
    numVfs,
    totalVfs,
    offset: number('sriov_offset') ?? registers?.offset ?? 0,
    stride: number('sriov_stride') ?? registers?.stride ?? 0,
    // PCIe 9.3.3.13: what it is after reset.
    systemPageSize: registers?.systemPageSize ?? 4096,
    supportedPageSizes: registers?.supportedPageSizes ?? [],
    bars: bars.map((bar) => ({ ...bar, size: bar.size && Math.floor(bar.size / totalVfs) })),
  };
}

function showMemory(sight: Sight, path: string): void {
  const text = start(path, LONGEST_IOMEM)?.toString('latin1');
  if (text === undefined) return;
  const reader = new IomemReader();
  for (const line of text.split('\n')) reader.line(line.trim(), line.search(/\S/));
  if (sight.memory.length === 0) sight.memory = reader.ranges;
  if (reader.hidden > 0) sight.memoryHidden = true;
}

function namesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

function linked(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** As much of a file as can be read; undefined: it is not there, or not for us. */
function start(path: string, most: number): Buffer | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(most);
      let length = 0;
      for (;;) {
        const read = readSync(file, bytes, length, most - length, length);
        length += read;
        if (read === 0 || length === most) return bytes.subarray(0, length);
      }
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
