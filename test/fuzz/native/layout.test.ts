import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CELL_SIZE,
  CELLS,
  CLASS,
  DATA,
  ENTRY_SIZE,
  FLAGS,
  HOST,
  KINDS,
  MIXED_KINDS,
  PAGE,
  SPANS,
  TABLE,
  TOP,
  VECTOR_SIZE,
} from '../../../assembly/layout.js';
import { createDispatcher } from '../../../src/dispatcher.js';
import type { Domain } from '../../../src/domain.js';
import type { Core } from '../../../src/engine/core.js';
import { TraplineError } from '../../../src/errors.js';
import type { FunctionDescription } from '../../../src/function.js';
import type { PciFunction } from '../../../src/pci/function.js';
import { policies } from '../../../src/policy.js';
import { MemoryHost } from '../../memory-host.js';
import { writeSeeds } from './seeds.mjs';

// page-map.c against src/engine/page-map.ts: the same machines, laid out by both.

const CORPUS = 'test/fuzz/corpus/native';
const folder = mkdtempSync(join(tmpdir(), 'layout-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the bytes of a page's leaf entry, and of what it leads to, are. */
interface Laid {
  entry: DataView;
  /** Kind bytes, or a mixed page's block. */
  more: DataView;
  mixed: boolean;
  /** Pointer to the entries of each function's table. */
  storage: readonly (number | undefined)[];
  /** The host page that an id stands for. */
  host: (id: number) => string;
}

interface Machine {
  newest: boolean;
  trapAll: boolean;
  functions: { description: FunctionDescription; count: number; storage: number }[];
  hosts: Map<number, string>;
  pages: Map<number, { entry: DataView; more: DataView }>;
}

/** What each cell of a page means, whatever the addresses of the blocks and the ids. */
function meaning(page: number, counts: readonly number[], laid: Laid): string[] {
  const { entry, more, mixed, storage, host } = laid;
  return Array.from({ length: CELLS }, (_, cell) => {
    const record = mixed
      ? new DataView(
          more.buffer,
          more.byteOffset + SPANS + ENTRY_SIZE * more.getUint16(2 * cell, true),
          ENTRY_SIZE,
        )
      : entry;
    const at = (field: number) => record.getUint32(field, true);
    const kind = mixed ? at(KINDS) : more.getUint8(cell);
    const offset = CELL_SIZE * cell;
    if (kind & TABLE) {
      const pointer = (at(DATA) + page + offset) % 2 ** 32;
      const index = storage.findIndex(
        (start, fn) => start !== undefined && pointer >= start && pointer < start + VECTOR_SIZE * counts[fn],
      );
      const from = pointer - (storage[index] as number);
      const flag = (at(FLAGS) + (pointer >>> 4)) % 2 ** 32;
      const updated = flag - (storage[index] as number) - VECTOR_SIZE * counts[index];
      return `table ${index} ${from} kind ${kind} updated ${updated} ${host(at(PAGE))}`;
    }
    if (!(kind & HOST)) return `kind ${kind}`;
    const moved = mixed ? (offset + at(DATA)) & 0xfff : offset;
    return `kind ${kind & CLASS} ${host(at(PAGE))} ${moved}`;
  });
}

const hexadecimal = (text: string): DataView => {
  const bytes = Uint8Array.from(Buffer.from(text, 'hex'));
  return new DataView(bytes.buffer);
};

/** What page-map.c made of inputs, as print.c prints it. */
function machines(files: readonly string[]): Machine[] {
  const output = execFileSync('build/fuzz/core_fuzzer', files, {
    encoding: 'utf8',
    env: { ...process.env, TRAPLINE_PRINT_LAYOUT: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return output
    .split(/^machine /m)
    .slice(1)
    .map((text) => {
      const lines = text.trim().split('\n');
      const [newest, trapAll] = lines[0].split(' ').map(Number);
      const machine: Machine = {
        newest: newest === 1,
        trapAll: trapAll === 1,
        functions: [],
        hosts: new Map(),
        pages: new Map(),
      };
      lines.forEach((line, index) => {
        const words = line.split(' ');
        const hex = (word: number) => Number.parseInt(words[word], 16);
        if (words[0] === 'function') {
          const bars = [];
          for (let at = index + 1; lines[at]?.startsWith('bar '); at++) {
            const [address, size, hostAddress] = lines[at]
              .split(' ')
              .slice(1)
              .map((word) => Number.parseInt(word, 16));
            bars.push({ index: 2 * bars.length, type: 'mem64' as const, address, size, hostAddress });
          }
          const [tableBar, pbaBar] = [Number(words[5]), Number(words[7])];
          const msix = {
            count: Number(words[4]),
            table: { bir: 2 * tableBar, offset: hex(6) - bars[tableBar].address },
            pba: { bir: 2 * pbaBar, offset: hex(8) - bars[pbaBar].address },
          };
          machine.functions.push({
            count: msix.count,
            storage: hex(9),
            description: {
              sbdf: `0000:00:0${words[3]}.0`,
              bars,
              decode: true,
              ...(words[1] === '1' ? { msix } : {}),
              ...(words[2] === '1' ? { software: { send() {} } } : {}),
            },
          });
        }
        if (words[0] === 'host') machine.hosts.set(hex(1), `${words[2]} ${words[3]}`);
        if (words[0] === 'page') {
          machine.pages.set(hex(1), {
            entry: hexadecimal(lines[index + 1]),
            more: hexadecimal(lines[index + 2]),
          });
        }
      });
      return machine;
    });
}

/** The same machine behind a dispatcher; undefined where it refuses one of the functions. */
function dispatched({ newest, trapAll, functions }: Machine) {
  const dispatcher = createDispatcher({
    host: new MemoryHost(),
    policy: newest ? policies.xenV3 : policies.strict,
    trapAll: trapAll && !newest,
  });
  try {
    const assigned = functions.map(({ description }) => dispatcher.assign(description) as PciFunction);
    if (assigned.some((fn) => !fn.decoding)) return undefined;
    return { dispatcher, assigned };
  } catch (error) {
    if (error instanceof TraplineError) return undefined;
    throw error;
  }
}

/** A host page of a dispatcher by the name that machine.c has for it. */
function nameOf(id: number, assigned: readonly PciFunction[], newest: boolean): string {
  for (const [index, fn] of assigned.entries()) {
    if (fn.pendingPage?.id === id) return `${index} ffffffffffffffff`;
    const page = fn.pageList.pages[id];
    if (page.sbdf !== fn.sbdf) continue;
    if (!newest) return `${index} ${page.address.toString(16)}`;
    const slots = (fn.cache as unknown as { slots: { id: number }[] }).slots;
    const slot = slots.findIndex((one) => one.id === id);
    return `${index} ${(0xffff_ffff_ffff_fffen - BigInt(slot)).toString(16)}`;
  }
  return 'none';
}

beforeAll(() => {
  execFileSync('bash', ['test/fuzz/oss-fuzz/build.sh'], { stdio: 'pipe' });
  writeSeeds(folder);
});

it('lays machines out as Trapline does, cell by cell', () => {
  const files = [CORPUS, folder].flatMap((from) => readdirSync(from).map((name) => join(from, name)));
  const seen = { strict: 0, newest: 0, plain: 0, mixed: 0, refused: 0 };
  for (const machine of machines(files)) {
    // page-map.c traps all pages of small BARs only.
    const large = machine.functions.some(({ description }) =>
      description.bars.some(({ size }) => size > 0x4000),
    );
    const made = machine.trapAll && !machine.newest && large ? undefined : dispatched(machine);
    if (!made) {
      seen.refused++;
      continue;
    }
    seen[machine.newest ? 'newest' : 'strict']++;
    const { dispatcher, assigned } = made;
    const { core, domain } = dispatcher as unknown as { core: Core; domain: Domain };
    const { words } = core;
    const counts = machine.functions.map(({ count }) => count);
    for (const [page, printed] of machine.pages) {
      const mid = words[(TOP + 4 * Math.floor(page / 2 ** 38)) / 4];
      const leaf = words[mid / 4 + (Math.floor(page / 2 ** 24) % 2 ** 14)];
      const place = leaf + ENTRY_SIZE * (Math.floor(page / 2 ** 12) % 2 ** 12);
      const entry = new DataView(words.buffer, place, ENTRY_SIZE);
      const mixed = entry.getUint32(KINDS, true) === MIXED_KINDS;
      const theirs = meaning(page, counts, {
        entry,
        more: new DataView(words.buffer, entry.getUint32(mixed ? PAGE : KINDS, true)),
        mixed,
        storage: assigned.map((fn) => fn.msixState?.vectors.storage),
        host: (id) => nameOf(id, assigned, machine.newest),
      });
      const isMixed = printed.entry.getUint32(KINDS, true) === MIXED_KINDS;
      const ours = meaning(page, counts, {
        ...printed,
        mixed: isMixed,
        storage: machine.functions.map(({ description, storage }) =>
          description.msix ? storage : undefined,
        ),
        host: (id) => machine.hosts.get(id) ?? 'none',
      });
      expect(isMixed, `page ${page.toString(16)}`).toBe(mixed);
      expect(ours, `page ${page.toString(16)}`).toEqual(theirs);
      seen[mixed ? 'mixed' : 'plain']++;
    }
    expect(machine.pages.size, 'pages that trap').toBe(domain.pageMap.size);
  }
  console.log(JSON.stringify(seen));
  for (const count of [seen.strict, seen.newest, seen.plain, seen.mixed]) expect(count).toBeGreaterThan(20);
});
