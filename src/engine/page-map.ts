import {
  CELL_SIZE,
  DATA,
  EMPTY_LEAF,
  EMPTY_MID,
  ENTRY_SIZE,
  FLAGS,
  FORWARD,
  KINDS,
  MIXED_KINDS,
  NO_KINDS,
  NOBODY,
  NODE_SIZE,
  PAGE,
  PBA,
  SPANS,
  TABLE_ADDRESS,
  TABLE_DATA,
  TOP,
} from '../../assembly/layout.js';
import { PAGE_SIZE } from '../access.js';
import type { PageSpan } from '../span.js';
import type { Core } from './core.js';

const KIND_BYTES = PAGE_SIZE / CELL_SIZE;

interface KindMap {
  readonly pointer: number;
  users: number;
}

interface Leaf {
  /** Kind map shared with other pages, by its content; absent on mixed pages. */
  readonly kinds: string | undefined;
  /** Block of a mixed page. */
  readonly block: number;
  readonly blockSize: number;
}

/** Writes pages into the radix tree that assembly/page-map.ts walks. Pages are page numbers (40 bits). */
export class PageMap {
  protected readonly core: Core;
  private readonly leaves = new Map<number, Leaf>();
  private readonly kindMaps = new Map<string, KindMap>();
  /** Node -> pages or nodes in it. */
  private readonly used = new Map<number, number>();

  constructor(core: Core) {
    this.core = core;
  }

  /** Pages mapped now. */
  get size(): number {
    return this.leaves.size;
  }

  /** Sets what a page holds, or clears it where `spans` is empty. Throws `out-of-memory`, changing nothing. */
  set(page: number, spans: readonly PageSpan[]): void {
    if (spans.length === 0) {
      this.clear(page);
      return;
    }
    const leaf = isPlain(spans) ? this.plain(spans) : this.mixed(page, spans);
    let entry: number;
    try {
      entry = this.entry(page);
    } catch (error) {
      this.release(leaf);
      throw error;
    }
    const old = this.leaves.get(page);
    this.leaves.set(page, leaf);
    this.fill(entry / 4, page, spans, leaf);
    this.show(page, entry);
    if (old) this.release(old);
  }

  private fill(first: number, page: number, spans: readonly PageSpan[], leaf: Leaf): void {
    const { words } = this.core;
    if (leaf.kinds === undefined) {
      words[first + DATA / 4] = 0;
      words[first + KINDS / 4] = MIXED_KINDS;
      words[first + PAGE / 4] = leaf.block;
      words[first + FLAGS / 4] = 0;
      return;
    }
    const table = spans.find((span) => span.kind === 'table');
    const host = spans.find((span) => span.pageId !== 0);
    words[first + DATA / 4] = table ? tableBias(page, table) : 0;
    words[first + KINDS / 4] = (this.kindMaps.get(leaf.kinds) as KindMap).pointer;
    words[first + PAGE / 4] = host?.pageId ?? 0;
    words[first + FLAGS / 4] = table ? table.updated - (table.storage >>> 4) : 0;
  }

  private clear(page: number): void {
    const old = this.leaves.get(page);
    if (!old) return;
    this.leaves.delete(page);
    const { core } = this;
    const { words } = core;
    const [topSlot, midSlot, index] = slots(page);
    const mid = words[topSlot];
    const leafNode = words[mid / 4 + midSlot];
    this.hide(leafNode, index);
    this.release(old);
    if (!this.leave(leafNode)) return;
    core.publish(mid / 4 + midSlot, EMPTY_LEAF);
    core.release(leafNode, core.leafNodeSize);
    if (!this.leave(mid)) return;
    core.publish(topSlot, EMPTY_MID);
    core.release(mid, NODE_SIZE);
  }

  /** Makes a page's entry that of a page which does not trap. */
  protected hide(leafNode: number, index: number): void {
    const { words } = this.core;
    const first = (leafNode + index * ENTRY_SIZE) / 4;
    words.fill(0, first, first + ENTRY_SIZE / 4);
    words[first + KINDS / 4] = NO_KINDS;
  }

  /** A page leads to its entry from now on. */
  protected show(_page: number, _entry: number): void {}

  /** Leaf entry of a page, to be written. Throws `out-of-memory`, changing nothing. */
  protected entry(page: number): number {
    const index = slots(page)[2];
    return this.leafNode(page) + index * ENTRY_SIZE;
  }

  /** The node of a page's leaf entry, with those above it made as needed. */
  protected leafNode(page: number): number {
    const { core } = this;
    const [topSlot, midSlot] = slots(page);
    let mid = core.words[topSlot];
    const newMid = mid === EMPTY_MID;
    if (newMid) {
      mid = core.allocate(NODE_SIZE);
      core.clearPointers(mid);
    }
    let leafNode = core.words[mid / 4 + midSlot];
    if (leafNode === EMPTY_LEAF) {
      try {
        leafNode = core.allocate(core.leafNodeSize);
      } catch (error) {
        if (newMid) core.release(mid, NODE_SIZE);
        throw error;
      }
      core.clearEntries(leafNode);
      core.publish(mid / 4 + midSlot, leafNode);
      this.enter(mid);
    }
    if (newMid) core.publish(topSlot, mid);
    if (!this.leaves.has(page)) this.enter(leafNode);
    return leafNode;
  }

  private enter(node: number): void {
    this.used.set(node, (this.used.get(node) ?? 0) + 1);
  }

  /** Takes one user off a node; true: it had no other. */
  private leave(node: number): boolean {
    const users = (this.used.get(node) as number) - 1;
    this.used.set(node, users);
    if (users > 0) return false;
    this.used.delete(node);
    return true;
  }

  private plain(spans: readonly PageSpan[]): Leaf {
    const key = spans.map((span) => `${span.offset}${kindKey(span)}`).join(' ');
    let map = this.kindMaps.get(key);
    if (!map) {
      map = { pointer: this.core.allocate(KIND_BYTES), users: 0 };
      const { bytes } = this.core;
      for (const span of spans) {
        for (let at = span.offset; at < span.end; at += CELL_SIZE) {
          bytes[map.pointer + at / CELL_SIZE] = kindAt(span, at);
        }
      }
      this.kindMaps.set(key, map);
    }
    map.users++;
    return { kinds: key, block: 0, blockSize: 0 };
  }

  private mixed(page: number, spans: readonly PageSpan[]): Leaf {
    // A table span is two in the block, as its cells alternate between address and data.
    const blockSize = SPANS + ENTRY_SIZE * 2 * spans.length;
    const block = this.core.allocate(blockSize);
    const { halfwords, words } = this.core;
    // The lock of a cell that is nobody's is that of a function on the page.
    const some = spans.find((span) => span.pageId !== 0)?.pageId ?? 0;
    spans.forEach((span, index) => {
      const kinds = [kindAt(span, span.offset), kindAt(span, span.offset + CELL_SIZE)];
      kinds.forEach((kind, half) => {
        const record = (block + SPANS + ENTRY_SIZE * (2 * index + half)) / 4;
        words[record + DATA / 4] =
          span.kind === 'table' ? tableBias(page, span) : span.hostOffset - span.offset;
        words[record + KINDS / 4] = kind;
        words[record + PAGE / 4] = span.pageId || some;
        words[record + FLAGS / 4] = span.kind === 'table' ? span.updated - (span.storage >>> 4) : 0;
      });
      for (let at = span.offset; at < span.end; at += CELL_SIZE) {
        const half = span.kind === 'table' && kindAt(span, at) === kinds[1] ? 1 : 0;
        halfwords[block / 2 + at / CELL_SIZE] = 2 * index + half;
      }
    });
    return { kinds: undefined, block, blockSize };
  }

  private release(leaf: Leaf): void {
    if (leaf.kinds === undefined) {
      this.core.release(leaf.block, leaf.blockSize);
      return;
    }
    const map = this.kindMaps.get(leaf.kinds) as KindMap;
    if (--map.users > 0) return;
    this.kindMaps.delete(leaf.kinds);
    this.core.release(map.pointer, KIND_BYTES);
  }
}

/** Indices of the top and mid words (the top's as a word of memory) and of the leaf entry. */
export function slots(page: number): [number, number, number] {
  return [TOP / 4 + Math.floor(page / 2 ** 26), Math.floor(page / 2 ** 12) % 2 ** 14, page % 2 ** 12];
}

/** One function, one host page with equal offsets: the kind bytes say all. */
function isPlain(spans: readonly PageSpan[]): boolean {
  const host = spans.find((span) => span.pageId !== 0)?.pageId;
  const tables = new Set(spans.filter((span) => span.kind === 'table').map((span) => span.storage));
  return (
    tables.size <= 1 &&
    spans.every((span) => span.kind === 'nobody' || (span.pageId === host && span.hostOffset === span.offset))
  );
}

function kindAt(span: PageSpan, offset: number): number {
  if (span.kind === 'pba') return PBA | span.widths;
  if (span.kind === 'forward') return FORWARD;
  if (span.kind === 'nobody') return NOBODY;
  return (offset - span.offset + span.tableOffset + (span.swapped ? CELL_SIZE : 0)) & 8
    ? TABLE_DATA
    : TABLE_ADDRESS;
}

/** What leads from an address's low lane to its place in the table's storage, modulo 2^32. */
function tableBias(page: number, span: PageSpan): number {
  return span.storage + span.tableOffset - (page * PAGE_SIZE + span.offset);
}

function kindKey(span: PageSpan): string {
  return `k${kindAt(span, span.offset)}`;
}
