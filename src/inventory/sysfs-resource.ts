import type { BarType } from '../host.js';
import type { BridgeWindow, InventoryBar } from './machine.js';

/** Resources whose size is that of a BAR: 0 to 5, then the ROM. */
const RESOURCES = 7;
const ROM = 6;
/** BARs of virtual functions; windows of a bridge: I/O, memory, prefetchable memory, one more. */
const VIRTUAL = 6;
const WINDOWS = 4;

/** The flags of a resource (Linux: ioport.h). */
const IO = 0x100;
const MEMORY = 0x200;
const PREFETCHABLE = 0x2000;
const WIDE = 0x10_0000;
const DISABLED = 0x1000_0000;
const UNSET = 0x2000_0000;

interface Resource {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
}

export interface ListedResources {
  readonly bars: readonly InventoryBar[];
  /** `size` is that of all virtual functions together. */
  readonly virtualBars: readonly InventoryBar[];
  /** Undefined: not a bridge. */
  readonly windows: readonly BridgeWindow[] | undefined;
}

/**
 * What sysfs `resource` lists: a line `start end flags` in hexadecimal for each resource, all zero where there is none.
 * Undefined: it breaks off. Kernels without SR-IOV have no BARs of virtual functions in it.
 */
export function listedResources(text: string): ListedResources | undefined {
  const list = resources(text);
  if (list.length < RESOURCES || list.some(({ start, end, flags }) => Number.isNaN(start + end + flags))) {
    return undefined;
  }
  const hasVirtual = list.length === RESOURCES + VIRTUAL || list.length >= RESOURCES + VIRTUAL + WINDOWS;
  const rest = list.slice(hasVirtual ? RESOURCES + VIRTUAL : RESOURCES);
  return {
    bars: list.slice(0, RESOURCES).flatMap(barOf),
    virtualBars: hasVirtual ? list.slice(RESOURCES, RESOURCES + VIRTUAL).flatMap(barOf) : [],
    windows: rest.length < WINDOWS ? undefined : rest.slice(0, WINDOWS).flatMap(windowOf),
  };
}

function resources(text: string): Resource[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [start, end, flags] = line.trim().split(/\s+/).map(Number);
      return { start, end, flags };
    });
}

const sizeOf = ({ start, end }: Resource): number => (end > start ? end - start + 1 : 0);

function barOf(resource: Resource, index: number): InventoryBar[] {
  const { start, flags } = resource;
  const size = sizeOf(resource);
  if (size === 0 || (flags & (IO | MEMORY)) === 0) return [];
  const memory: BarType = (flags & WIDE) !== 0 ? 'mem64' : 'mem32';
  return [
    {
      index,
      type: (flags & IO) !== 0 ? 'io' : index === ROM ? 'rom' : memory,
      address: (flags & UNSET) !== 0 ? undefined : start || undefined,
      size,
      prefetchable: index !== ROM && (flags & PREFETCHABLE) !== 0,
      disabled: (flags & DISABLED) !== 0,
      virtual: false,
    },
  ];
}

function windowOf(resource: Resource): BridgeWindow[] {
  const { start, end, flags } = resource;
  if ((flags & MEMORY) === 0 || (flags & (UNSET | DISABLED)) !== 0 || sizeOf(resource) === 0) return [];
  return [{ start, end: end + 1, prefetchable: (flags & PREFETCHABLE) !== 0 }];
}
