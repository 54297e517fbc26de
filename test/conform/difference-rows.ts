import { PAGE_SIZE, pageOf } from '../../src/access.js';
import { differences } from '../../src/conform/compare.js';
import type { Outcome, Step } from '../../src/conform/scenario.js';
import type { Bar } from '../../src/host.js';
import { pbaOverTable } from '../../src/pci/validate.js';
import { extentOf, newestOn, onPage, ownerOf, pbaOf, type Side, tableOf, within } from './two-sides.js';

type Access = Extract<Step, { op: 'read' | 'write' }>;

/** A line of the design's table on which xen and strict part, and when it bears on a step; state is that before it. */
export interface Row {
  readonly name: string;
  applies(step: Step, xen: Side, strict: Side): boolean;
  /** Whether the row can bring about this difference; by default any. */
  explains?(expected: Outcome, got: Outcome): boolean;
}

const isAccess = (step: Step): step is Access => step.op === 'read' || step.op === 'write';

const bytesOf = ({ address, width }: Access): number[] =>
  Array.from({ length: width }, (_, i) => address + i);

const withoutUnmap = ({ fx, ...rest }: Outcome): Outcome => ({
  ...rest,
  fx: fx.filter(([kind]) => kind !== 'unmap'),
});

/** BARs, as either side has them, that are not the same on both. */
function barsApart(xen: Side, strict: Side): { sbdf: number; bar: Bar }[] {
  return xen.functions.flatMap((f) =>
    f.bars.flatMap((bar) => {
      const other = strict.byId(f.sbdf)?.bars.find(({ index }) => index === bar.index);
      const equal = other && other.enabled === bar.enabled && other.address === bar.address;
      return other && !equal
        ? [
            { sbdf: f.sbdf, bar },
            { sbdf: f.sbdf, bar: other },
          ]
        : [];
    }),
  );
}

/** A decode write that leaves a BAR as it is under xen, but not under strict, which always switches all off. */
function isWithheld(step: Step, xen: Side, strict: Side): boolean {
  if (step.op !== 'decode' || step.enabled) return false;
  return strict.byId(step.id)?.bars.some((bar) => bar.enabled && xen.isStuck(step.id, bar.index)) ?? false;
}

/** A row that is about accesses only. */
function onAccess(name: string, applies: (step: Access, xen: Side, strict: Side) => boolean): Row {
  return { name, applies: (step, xen, strict) => isAccess(step) && applies(step, xen, strict) };
}

export const rows: readonly Row[] = [
  onAccess('access that crosses owners', (step, xen, strict) => {
    const bytes = bytesOf(step);
    const keys = bytes.map((byte) => {
      const owner = ownerOf(strict, byte);
      return owner && `${owner.f.sbdf} ${owner.kind}`;
    });
    const f = newestOn(xen, step.address);
    const last = bytes[bytes.length - 1];
    // Xen drops an access as well that ends on a page which holds neither table nor PBA of the function.
    const endsElsewhere = f && !onPage(tableOf(f), pageOf(last)) && !onPage(pbaOf(f), pageOf(last));
    return new Set(keys).size > 1 || endsElsewhere === true;
  }),

  onAccess('adjacent bytes forwarded', (step, xen, strict) => {
    const f = newestOn(xen, step.address);
    const inOwnBar = (byte: number) => f?.bars.some((bar) => within(extentOf(bar), byte)) ?? false;
    return f !== undefined && bytesOf(step).some((byte) => !ownerOf(strict, byte) && !inOwnBar(byte));
  }),

  onAccess('page shared by functions', (step, xen, strict) => {
    const page = pageOf(step.address);
    const bars = strict.functions
      .flatMap((f) => f.bars)
      .filter((bar) => bar.enabled && onPage(extentOf(bar), page));
    if (bars.length < 2) return false;
    const f = newestOn(xen, step.address);
    return !f || bytesOf(step).some((byte) => (ownerOf(strict, byte)?.f.sbdf ?? f.sbdf) !== f.sbdf);
  }),

  {
    // Xen does not look at `enabled` once the page has been found, and keeps the BARs that the host withholds.
    name: 'a BAR accepts accesses',
    applies(step, xen, strict) {
      const apart = barsApart(xen, strict);
      if (step.op === 'decode' || step.op === 'bar') {
        return apart.some(({ sbdf }) => sbdf === step.id) || isWithheld(step, xen, strict);
      }
      if (!isAccess(step)) return false;
      const page = pageOf(step.address);
      if (apart.some(({ bar }) => onPage(extentOf(bar), page))) return true;
      const f = newestOn(xen, step.address);
      const disabled = f?.bars.filter((bar) => !bar.enabled) ?? [];
      return bytesOf(step).some((byte) => disabled.some((bar) => within(extentOf(bar), byte)));
    },
  },

  {
    // When, and in which order: xen by slot, strict as they were mapped.
    name: 'mapped pages dropped',
    applies: (step) => step.op === 'decode' || step.op === 'remove',
    explains: (expected, got) => differences(withoutUnmap(expected), withoutUnmap(got)).length === 0,
  },

  {
    // Overlapping table and PBA of a real device: strict warns.
    name: 'malformed MSI-X capability at assign',
    applies: (step) => step.op === 'device' && step.msix !== undefined && pbaOverTable(step.msix),
    explains: (expected, got) =>
      differences(expected, { ...got, fx: got.fx.filter((effect) => effect[3] !== 'pba-over-table') })
        .length === 0,
  },

  onAccess("page mapped for the table's tail", (step, xen) => {
    const f = newestOn(xen, step.address);
    return [f && tableOf(f), f && pbaOf(f)].some(
      (place) =>
        place !== undefined && place.end % PAGE_SIZE === 0 && pageOf(step.address) === place.end - PAGE_SIZE,
    );
  }),

  onAccess('field of an entry', (step, xen) => {
    const f = newestOn(xen, step.address);
    const table = f && tableOf(f);
    return table !== undefined && table.start % 16 === 8 && within(table, step.address);
  }),
];
