import type { Sbdf } from '../sbdf.js';
import { type FunctionHead, functionHead } from './function-head.js';

const GROUP = /^IOMMU group (\d{1,6})\b:? ?(.*)$/i;
const PATH = /\/iommu_groups\/(\d{1,6})\/devices\/(\S+)/;

/** Reads IOMMU groups as scripts list them, and as paths of `/sys/kernel/iommu_groups`. */
export class IommuGroupReader {
  readonly groups = new Map<Sbdf, number>();
  /** The group whose functions follow, deeper than its own line. */
  private open: { readonly group: number; readonly indent: number } | undefined;

  /** Undefined: no such line. Else what it says of a function, as `lspci` would. */
  line(text: string, indent: number): string | undefined {
    const path = PATH.exec(text);
    if (path) return this.add(Number(path[1]), functionHead(path[2]), '');
    const group = GROUP.exec(text);
    if (group) {
      const head = functionHead(group[2]);
      this.open = head ? undefined : { group: Number(group[1]), indent };
      return this.add(Number(group[1]), head, group[2]);
    }
    const { open } = this;
    if (!open) return undefined;
    const head = indent > open.indent ? functionHead(text) : undefined;
    if (head) return this.add(open.group, head, text);
    this.open = undefined;
    return undefined;
  }

  private add(group: number, head: FunctionHead | undefined, text: string): string {
    if (head?.sbdf !== undefined) this.groups.set(head.sbdf, group);
    return head?.text ? text : '';
  }
}
