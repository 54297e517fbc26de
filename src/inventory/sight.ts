import { ADDRESS_LIMIT } from '../access.js';
import { MOST_ENTRIES } from '../msix-layout.js';
import type { Sbdf } from '../sbdf.js';
import { isWhole, seenInImage } from './config-image.js';
import type { BridgeWindow, InventoryBar, InventoryFunction, Machine, MemoryRange } from './machine.js';
import { inventoryFunction, merged, type SeenFunction } from './seen-function.js';
import { unseen } from './unseen.js';
import { withPhysicalFunctions } from './virtual-functions.js';

/** What sources, in any order, show of one machine. */
export class Sight {
  /** Domains and places of functions that have no SBDF. */
  readonly beyond = new Set<string>();
  readonly groups = new Map<Sbdf, number>();
  /** Of `/proc/iomem`, of the first source that has it. */
  memory: readonly MemoryRange[] = [];
  /** A source has it, without addresses. */
  memoryHidden = false;
  /** What the system says of functions. */
  private readonly shown = new Map<Sbdf, SeenFunction>();
  /** What their registers say: to the system, a BAR may be elsewhere, or nowhere. */
  private readonly images = new Map<Sbdf, SeenFunction>();
  /** Functions within whose lines a text ends. */
  readonly cut = new Set<Sbdf>();
  private readonly broken = new Set<Sbdf>();

  show(fn: SeenFunction): void {
    const known = this.shown.get(fn.sbdf);
    this.shown.set(fn.sbdf, known ? merged(known, fn) : fn);
  }

  /** The first bytes of a configuration space. */
  showImage(sbdf: Sbdf, bytes: Uint8Array): void {
    if (!isWhole(bytes.length)) this.broken.add(sbdf);
    const fn = seenInImage(sbdf, bytes);
    const known = this.images.get(sbdf);
    if (fn) this.images.set(sbdf, known ? merged(known, fn) : fn);
  }

  /** Functions so far. */
  get size(): number {
    return this.shown.size + this.beyond.size;
  }

  functions(): SeenFunction[] {
    const functions = new Map<Sbdf, SeenFunction>();
    for (const sbdf of new Set([...this.shown.keys(), ...this.images.keys()])) {
      const shown = this.shown.get(sbdf) ?? { sbdf };
      const image = this.images.get(sbdf);
      const fn = image ? merged(shown, image) : shown;
      functions.set(sbdf, { ...fn, iommuGroup: fn.iommuGroup ?? this.groups.get(sbdf) });
    }
    return withPhysicalFunctions(functions);
  }

  machine(): Machine {
    const seen = this.functions();
    const functions = seen.map(inventoryFunction);
    const kept = functions.map(representable);
    const memory = this.memory.filter(({ end }) => end <= ADDRESS_LIMIT);
    const listed = new Set(functions.map(({ sbdf }) => sbdf));
    return {
      functions: kept,
      memory,
      unseen: unseen(seen, {
        beyond: this.beyond.size,
        cut: seen.filter(({ sbdf }) => this.cut.has(sbdf)),
        broken: seen.filter(({ sbdf }) => this.broken.has(sbdf)),
        unlisted: [...this.groups.keys()].filter((sbdf) => !listed.has(sbdf)),
        dropped: seen.filter((_, index) => kept[index] !== functions[index]),
        droppedMemory: this.memory.length - memory.length,
        memory: this.memoryHidden && memory.length === 0 ? 'hidden' : memory.length > 0,
      }),
    };
  }
}

/** Without what is above 2^52, and without an MSI-X capability that none can be. */
function representable(fn: InventoryFunction): InventoryFunction {
  const fits = ({ address, size }: InventoryBar) => (address ?? 0) + (size ?? 0) <= ADDRESS_LIMIT;
  const lies = ({ end }: BridgeWindow) => end <= ADDRESS_LIMIT;
  const { bars, sriov, bridge, msix } = fn;
  const hasMsix = msix === undefined || (msix.count >= 1 && msix.count <= MOST_ENTRIES);
  const virtual = sriov?.bars ?? [];
  const windows = bridge?.windows ?? [];
  if (bars.every(fits) && virtual.every(fits) && windows.every(lies) && hasMsix) return fn;
  return {
    ...fn,
    bars: bars.filter(fits),
    msix: hasMsix ? msix : undefined,
    sriov: sriov && { ...sriov, bars: virtual.filter(fits) },
    bridge: bridge && { ...bridge, windows: windows.filter(lies) },
  };
}
