import {
  EMPTY_ENTRY,
  GONE,
  KINDS,
  MIXED_KINDS,
  PAGE,
  RECORD,
  SHARED_ENTRY_SIZE,
} from '../../assembly/layout.js';
import { PageMap, slots } from '../engine/page-map.js';
import type { OwningCore } from './core.js';

/** The page map whose entries are never changed: a page is led to another one. */
export class SharedPageMap extends PageMap {
  declare protected readonly core: OwningCore;

  protected override entry(page: number): number {
    const { core } = this;
    const entry = core.allocate(SHARED_ENTRY_SIZE);
    try {
      this.leafNode(page);
    } catch (error) {
      core.release(entry, SHARED_ENTRY_SIZE);
      throw error;
    }
    return entry;
  }

  protected override show(page: number, entry: number): void {
    const { words, records } = this.core;
    const [topSlot, midSlot, index] = slots(page);
    const mixed = words[(entry + KINDS) / 4] === MIXED_KINDS;
    words[(entry + RECORD) / 4] = mixed ? 0 : records.ofPage(words[(entry + PAGE) / 4]);
    words[(entry + GONE) / 4] = 0;
    this.lead(words[words[topSlot] / 4 + midSlot] / 4 + index, entry);
  }

  protected override hide(leafNode: number, index: number): void {
    this.lead(leafNode / 4 + index, EMPTY_ENTRY);
  }

  private lead(word: number, entry: number): void {
    const { core } = this;
    const old = core.words[word];
    core.publish(word, entry);
    if (old === EMPTY_ENTRY) return;
    core.publish((old + GONE) / 4, 1);
    core.release(old, SHARED_ENTRY_SIZE);
  }
}
