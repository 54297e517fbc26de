import { OWN_PAGES } from '../../assembly/layout.js';
import { PAGE_SIZE } from '../access.js';
import type { Core } from '../engine/core.js';
import { TraplineError } from '../errors.js';
import { hex } from '../hexadecimal.js';

/** A page in a dispatcher's linear memory. Another wasm module's aligned words on it are answered without JavaScript. */
export interface OwnPage {
  /** For `Host.mapPage`. Taken anew each time: growing linear memory ends the array, and not the bytes. */
  readonly bytes: Uint8Array;
  /** Gives the memory back. Throws `bad-argument` while a function has the page mapped, and, as `bytes`, afterwards. */
  release(): void;
}

/** Which mapped pages are in the core's memory, and where: what the hot path looks up by id. */
export class OwnPages {
  protected readonly core: Core;
  private readonly pointers = new Map<number, number>();
  private table = 0;
  private capacity = 0;

  constructor(core: Core) {
    this.core = core;
  }

  /** Throws `out-of-memory`. */
  create(): OwnPage {
    const { core, pointers } = this;
    const pointer = core.allocate(PAGE_SIZE);
    core.bytes.fill(0, pointer, pointer + PAGE_SIZE);
    const name = `the page at ${hex(pointer)}`;
    let released = false;
    const check = () => {
      if (released) throw new TraplineError('bad-argument', `OwnPage: ${name} is released already`);
    };
    return {
      get bytes() {
        check();
        return core.bytes.subarray(pointer, pointer + PAGE_SIZE);
      },
      release() {
        check();
        if ([...pointers.values()].includes(pointer)) {
          throw new TraplineError('bad-argument', `OwnPage.release: ${name} is mapped`);
        }
        released = true;
        core.release(pointer, PAGE_SIZE);
      },
    };
  }

  /** Makes room for an id. Throws `out-of-memory`. */
  reserve(id: number): void {
    if (id < this.capacity) return;
    const { core, table, capacity } = this;
    const more = Math.max(64, 2 * capacity);
    const block = core.allocate(4 * more);
    core.words.fill(0, block / 4, block / 4 + more);
    core.words.copyWithin(block / 4, table / 4, table / 4 + capacity);
    core.cells[OWN_PAGES / 4] = block;
    if (capacity > 0) core.release(table, 4 * capacity);
    this.table = block;
    this.capacity = more;
  }

  show(id: number, memory: Uint8Array | undefined): void {
    const own = memory !== undefined && memory.buffer === this.core.memory.buffer;
    if (own) this.pointers.set(id, memory.byteOffset);
    else this.pointers.delete(id);
    this.core.words[this.table / 4 + id] = own ? memory.byteOffset : 0;
  }

  each(visit: (id: number, memory: Uint8Array) => void): void {
    for (const [id, pointer] of this.pointers) {
      visit(id, this.core.bytes.subarray(pointer, pointer + PAGE_SIZE));
    }
  }
}
