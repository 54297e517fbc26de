import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EPOCH, GENERATION, HOLDER } from '../../assembly/layout.js';
import { UNCLAIMED } from '../../src/access.js';
import type { Vector } from '../../src/host.js';
import type { OwningCore } from '../../src/shared/core.js';
import { attach, createDispatcher, release, type SharedDispatcher } from '../../src/shared.js';
import { described } from './described.js';
import { inWorker } from './worker.js';

const BAR = 0xfe000000;
const SECOND = BAR + 0x10000;
const ADJACENT = 0x800;

let dispatcher: SharedDispatcher;
let calls: string[];

beforeEach(() => {
  calls = [];
  const note =
    (what: string) =>
    (_: number, { index, masked }: Vector) =>
      void calls.push(`${what} ${index} ${masked}`);
  dispatcher = createDispatcher({
    shared: true,
    host: {
      mapPage(address) {
        calls.push(`map ${address.toString(16)}`);
        return new Uint8Array(4096).fill(1);
      },
      unmapPage: (address) => void calls.push(`unmap ${address.toString(16)}`),
      armVector: note('arm'),
      maskVector: note('mask'),
    },
    onError: (error) => calls.push((error as Error).message),
  });
  dispatcher.assign(described(8, BAR));
  dispatcher.assign(described(16, SECOND));
});

const running: { terminate(): Promise<number> }[] = [];
function run(job: string) {
  const attached = inWorker(dispatcher, job);
  running.push(attached);
  return attached;
}
afterEach(async () => {
  for (const worker of running.splice(0)) await worker.terminate();
});

const core = (): OwningCore => Reflect.get(dispatcher, 'core') as OwningCore;
const fn = (sbdf = 8) => {
  const found = dispatcher.find(sbdf);
  if (!found) throw new Error(`no function ${sbdf}`);
  return found;
};
const locked = (sbdf: number) => core().words[(core().records.of(sbdf) + HOLDER) / 4] !== 0;

describe('another worker', () => {
  it('sees what is written to the table here, and the other way round, at every width', async () => {
    dispatcher.write(BAR, 4, 0xfee00000);
    dispatcher.write(BAR + 24, 8, 0x55, 1);
    const { result } = run(`
      view.write(${BAR + 16}, 8, 0x12345678, 0x9abcdef0);
      return [view.read(${BAR}, 4), view.read(${BAR + 24}, 8), view.high, view.readBig(${BAR + 24}).toString(16),
        view.writeBig(${BAR + 32}, 0x1122334455667788n), view.read(${BAR}, 1), view.read(${BAR}, 2), view.read(${BAR + 2}, 4)];`);
    expect(await result).toEqual([0xfee00000, 0x55, 1, '100000055', true, 0xff, 0xffff, 0xffffffff]);
    expect(fn().vector(1)).toMatchObject({ addressLow: 0x12345678, addressHigh: 0x9abcdef0, data: 0x55 });
    expect(fn().vector(2)).toMatchObject({ addressLow: 0x55667788, addressHigh: 0x11223344 });
  });

  it('maps host pages itself, once, and answers memory and handlers, aligned or not', async () => {
    const { result } = run(`
      const seen = [];
      pages[${SECOND}] = { read: (offset, width, high) => { high[0] = 0x99; seen.push([offset, width]); return offset; }, write: (...all) => seen.push(all) };
      const at = ${BAR + ADJACENT}, there = ${SECOND + ADJACENT};
      view.write(at + 4, 2, 0xabcd);
      view.write(at + 9, 4, 0x01020304);
      const values = [view.read(at, 1), view.read(at, 2), view.read(at, 4), view.read(at, 8), view.high, view.read(at + 4, 2), view.read(at + 9, 4),
        view.read(there, 4), view.read(there + 1, 2), view.read(there + 8, 8), view.high, view.write(there + 4, 4, 5)];
      return { values, seen, mapped, told };`);
    expect(await result).toEqual({
      values: [
        7,
        0x0707,
        0x07070707,
        0x07070707,
        0x0707abcd,
        0xabcd,
        0x01020304,
        0x800,
        0x0201,
        0x808,
        0x99,
        true,
      ],
      seen: [
        [0x800, 4],
        [0x801, 1],
        [0x802, 1],
        [0x808, 8],
        [0x804, 4, 5, 0],
      ],
      mapped: ['map 8 fe000000', 'map 16 fe010000'],
      told: ['unaligned-write', 'unaligned-read', 'unaligned-read'],
    });
    expect(calls).toEqual([]);
  });

  it('reads ones where its host has no page, or throws, and has it again when the host has', async () => {
    const { result } = run(`
      const at = ${BAR + ADJACENT};
      pages[${BAR}] = null;
      const values = [view.read(at, 4), view.write(at, 4, 0)];
      pages[${BAR}] = new Uint8Array(5);
      values.push(view.read(at, 8), view.high, view.write(at, 8, 0, 0));
      delete pages[${BAR}];
      values.push(view.read(at, 2));
      return [values, told, errors.length, mapped];`);
    const map = 'map 8 fe000000';
    expect(await result).toEqual([
      [0xffffffff, true, 0xffffffff, 0xffffffff, true, 0x0707],
      ['map-failed-read', 'map-failed-write', 'host-error', 'host-error'],
      2,
      [map, map, map, map, map],
    ]);
    expect(locked(8)).toBe(false);
  });

  it('has no answer where nobody has: unclaimed, not a number, no width', async () => {
    const { result } = run(
      `return [view.read(0, 4), view.read(NaN, 4), view.read(${BAR}, 3), view.write(0, 4, 0), view.write('x', 4, 0), view.readBig(0)];`,
    );
    expect(await result).toEqual([UNCLAIMED, UNCLAIMED, UNCLAIMED, false, false, undefined]);
  });

  it('has the doors for another wasm module, and rings', async () => {
    const { result } = run(`
      const door = view.attach({ read: () => 77, write: () => {} });
      door.trap_write(${BAR}, 0, 4, 0xfee00000, 0);
      door.mmap_write32(${BAR + 8}, 0x41);
      const values = [door.trap_read(${BAR}, 0, 4) >>> 0, door.mmap_read32(${BAR + ADJACENT}), door.mmap_read8(${BAR + ADJACENT}),
        door.mmap_read32(0), door.mmap_read32(${BAR + 8}), Object.keys(door).includes('acquire')];
      const ring = view.createRing(2);
      const record = (at, address) => { ring.records.setUint32(32 * at, address, true); ring.records.setUint32(32 * at + 16, 1, true);
        ring.records.setUint32(32 * at + 20, 4, true); ring.records.setUint32(32 * at + 28, 0x1210000, true); };
      record(0, ${BAR}); record(1, ${BAR + ADJACENT + 4});
      ring.answer(0, 2);
      return [...values, ring.records.getUint32(8, true), ring.records.getUint32(40, true)];`);
    expect(await result).toEqual([0xfee00000, 0x07070707, 7, 77, 0x41, false, 0xfee00000, 0x07070707]);
    expect(fn().vector(0)).toMatchObject({ addressLow: 0xfee00000, data: 0x41 });
  });

  it('has the host told of a mask before its write returns', async () => {
    fn().writeMessageControl(0x8000);
    const { result } = run(
      `say(0, view.write(${BAR + 28}, 4, 0) ? 1 : 2); say(1, 1); return view.read(${BAR + 28}, 4);`,
    );
    expect(await result).toBe(0);
    expect(calls).toEqual(['mask 1 false']);
    expect(fn().vector(1)).toMatchObject({ masked: false });
  });

  it('is answered from here where bytes have different owners', async () => {
    const { result } = run(
      `return [view.read(${BAR + 0x3e}, 4), view.read(${BAR + 0xffe}, 4), mapped, told];`,
    );
    expect(await result).toEqual([0x0101ffff, 0xffff0101, [], []]);
    expect(calls).toEqual(['map fe000000']);
    expect(dispatcher.counts['unaligned-read']).toBe(2);
  });

  it('is answered from here on pages that no host has: emulated pending bits, regions, registers', async () => {
    const sent: unknown[] = [];
    dispatcher.assign({
      ...described(24, SECOND + 0x10000),
      registers: [{ space: 'bar0', offset: 0x804, width: 4, value: 0x600d }],
    });
    const model = dispatcher.assign({
      ...described(32, SECOND + 0x20000),
      msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
      software: { send: (message, vector) => sent.push([message.data, vector]) },
    });
    model.interrupts.useAll();
    model.interrupts.raise(2);
    fn().placeRegion(
      {
        size: 0x1000,
        read: (position, into) => into.fill(0x30 + position).length,
        write: (position, from) => {
          calls.push(`region ${position}`);
          return from.length;
        },
      },
      SECOND + 0x30000,
    );
    const { result } =
      run(`return [view.read(${SECOND + 0x21000}, 4), view.read(${SECOND + 0x10804}, 4), view.read(${SECOND + 0x10808}, 4),
      view.read(${SECOND + 0x30004}, 2), view.write(${SECOND + 0x30008}, 4, 1)];`);
    expect(await result).toEqual([4, 0x600d, 0x01010101, 0x3434, true]);
    expect(calls).toContain('region 8');
  });
});

describe('another worker changes functions', () => {
  it('and has the answers that it would have here', async () => {
    const { result } = run(`
      const f = view.find('0000:00:01.0'), none = view.find(99);
      f.writeMessageControl(0x8000);
      return [f.sbdf, none, f.setDecode(true), f.setDecode(false), view.read(${BAR}, 4), f.moveBar(0, ${BAR + 0x40000}), f.setDecode(true),
        view.read(${BAR + 0x4000c}, 4), f.moveBar(0, 0), f.config.read(4, 2)];`);
    expect(await result).toEqual([8, undefined, 'noop', 'okay', UNCLAIMED, true, 'okay', 1, false, 2]);
    expect(fn().messageControl).toBe(0x8003);
    expect(fn().bars[0].address).toBe(BAR + 0x40000);
  });

  it('by configuration cycles', async () => {
    const { result } = run(`
      const { config } = view.find(8);
      config.write(4, 2, 0);
      const off = view.read(${BAR}, 4);
      config.write(0x10, 4, ${BAR + 0x40000});
      config.write(4, 2, 2);
      return [off, view.read(${BAR + 0x4000c}, 4), config.read(0x10, 4)];`);
    expect(await result).toEqual([UNCLAIMED, 1, BAR + 0x40000]);
  });

  it('and misuse is thrown there, with code and sentence', async () => {
    await expect(run(`view.find(8).moveBar(9, 0);`).result).rejects.toMatchObject({
      code: 'bad-argument',
      message: 'moveBar: function 0000:00:01.0: index 9 names no BAR of the function',
    });
    const { result, until, say } = run(
      `const f = view.find(16); say(0, 1); until(0, 2); f.setDecode(false);`,
    );
    await until(0, 1);
    dispatcher.deassign(16);
    dispatcher.assign(described(16, SECOND));
    say(0, 2);
    await expect(result).rejects.toMatchObject({ code: 'unknown-function' });
  });

  it('raises the vectors of a software function', async () => {
    const sent: number[] = [];
    const model = dispatcher.assign({
      ...described(32, SECOND + 0x20000),
      msix: { count: 4, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x1000 } },
      software: { send: (_, vector) => sent.push(vector) },
    });
    model.interrupts.useAll();
    const { result } = run(`
      const f = view.find(32);
      const before = f.raise(1);
      f.writeMessageControl(0x8000);
      view.write(${SECOND + 0x2001c}, 4, 0);
      return [before, f.raise(1), f.raise(3), f.raise(4)];`);
    expect(await result).toEqual(['pending', 'sent', 'pending', 'dropped']);
    expect(sent).toEqual([1, 1]);
  });
});

describe('a handler in another worker', () => {
  /** Its page calls `inside` on a read of ADJACENT. */
  const withHandler = (inside: string, job: string) => `
    const f = view.find(8);
    pages[${BAR}] = { read(offset) { if (offset === ${ADJACENT}) { ${inside} } return offset; }, write() {} };
    ${job}`;

  it('switches decoding off when the outermost access ends', async () => {
    const { result } = run(
      withHandler(
        `values.push(f.setDecode(false), view.read(${BAR + ADJACENT + 4}, 4), view.read(${BAR + 12}, 4));`,
        `const values = []; values.push(view.read(${BAR + ADJACENT}, 4), view.read(${BAR}, 4)); return [values, mapped];`,
      ),
    );
    expect(await result).toEqual([
      ['okay', ADJACENT + 4, 1, ADJACENT, UNCLAIMED],
      ['map 8 fe000000', 'unmap 8 fe000000'],
    ]);
    expect(fn().decoding).toBe(false);
  });

  it('changes more than decoding, in the order asked', async () => {
    const { result } = run(
      withHandler(
        `values.push(f.setDecode(false), f.moveBar(0, ${BAR + 0x40000}), f.setDecode(true), f.config.write(0x3c, 1, 9), f.writeMessageControl(0x8000));`,
        `const values = []; view.read(${BAR + ADJACENT}, 4); values.push(view.read(${BAR + 0x4000c}, 4)); return values;`,
      ),
    );
    expect(await result).toEqual(['okay', true, 'okay', undefined, undefined, 1]);
    expect(fn().messageControl).toBe(0x8003);
  });

  it('cannot wait for the dispatcher: a question throws, and a page that only it has reads ones', async () => {
    const { result } = run(
      withHandler(
        `try { f.config.read(0, 4); } catch (error) { values.push(error.code); }
         try { view.find(8); } catch (error) { values.push(error.code); }
         try { view.detach(); } catch (error) { values.push(error.code); }
         values.push(view.read(${SECOND + 0x3e}, 4), view.write(${SECOND + 0x3e}, 4, 0), view.trim());`,
        `const values = []; view.read(${BAR + ADJACENT}, 4); return [values, told];`,
      ),
    );
    expect(await result).toEqual([
      ['busy', 'busy', 'busy', 0xffffffff, true, undefined],
      ['map-failed-read', 'map-failed-write'],
    ]);
    expect(calls).toEqual([]);
  });

  it('may ask for 61 changes; one more throws', async () => {
    const { result } = run(
      withHandler(
        `for (let count = 0; count < 62; count++) { try { f.writeMessageControl(count << 14); } catch (error) { values.push(count, error.code); } }`,
        `const values = []; view.read(${BAR + ADJACENT}, 4); return values;`,
      ),
    );
    expect(await result).toEqual([61, 'busy']);
    expect(fn().messageControl).toBe(((60 << 14) & 0xc000) | 3);
  });

  it('changes masks in other functions: the host is told when the outermost ends', async () => {
    fn(16).writeMessageControl(0x8000);
    const { result } = run(
      withHandler(
        `values.push(view.write(${SECOND + 12}, 4, 0), view.read(${SECOND + 12}, 4)); say(0, 1); until(0, 2);`,
        `const values = []; view.read(${BAR + ADJACENT}, 4); return values;`,
      ),
    );
    const worker = running.at(-1) as ReturnType<typeof run>;
    await worker.until(0, 1);
    expect(calls).toEqual([]);
    worker.say(0, 2);
    expect(await result).toEqual([true, 0]);
    expect(calls).toEqual(['mask 0 false']);
  });

  it('that exhausts the stack leaves no lock, in whichever function', async () => {
    const { result } = run(`
      let depth = 0;
      pages[${BAR}] = { write() {}, read(offset) {
        depth++;
        try { view.read(${SECOND + ADJACENT}, 4); view.read(${SECOND + ADJACENT}, 8); } catch {}
        return view.read(${BAR + ADJACENT}, 4) + offset;
      } };
      // Wherever in an access the last frame is.
      const within = (frames) => (frames === 0 ? view.read(${BAR + ADJACENT}, 4) : within(frames - 1));
      for (let frames = 0; frames < 400; frames++) within(frames);
      return [depth > 40000, errors[0]];`);
    expect(await result).toEqual([true, 'Maximum call stack size exceeded']);
    expect([locked(8), locked(16)]).toEqual([false, false]);
  });

  it('that throws ends its access with ones, and its lock is free', async () => {
    const { result } = run(
      withHandler(`throw new Error('broken');`, `return [view.read(${BAR + ADJACENT}, 4), told, errors];`),
    );
    expect(await result).toEqual([0xffffffff, ['host-error'], ['broken']]);
    expect(locked(8)).toBe(false);
  });
});

describe('pages of another worker', () => {
  it('are unmapped at its next entry after decode-off, and mapped anew', async () => {
    const { result, until, say } = run(`
      const at = ${BAR + ADJACENT};
      view.read(at, 4); view.read(${SECOND + ADJACENT}, 4);
      say(0, 1); until(0, 2);
      const before = [...mapped];
      const off = view.read(at, 4);
      const after = [...mapped];
      say(0, 3); until(0, 4);
      return [before, off, after, view.read(at, 4), mapped];`);
    await until(0, 1);
    fn().setDecode(false);
    say(0, 2);
    await until(0, 3);
    fn().setDecode(true);
    say(0, 4);
    const first = ['map 8 fe000000', 'map 16 fe010000'];
    const gone = [...first, 'unmap 8 fe000000'];
    expect(await result).toEqual([first, UNCLAIMED, gone, 0x07070707, [...gone, 'map 8 fe000000']]);
  });

  it('are unmapped by trim without an access, those of dropped functions only', async () => {
    const { result, until, say } = run(`
      view.read(${BAR + ADJACENT}, 4); view.read(${SECOND + ADJACENT}, 4);
      say(0, 1); until(0, 2);
      view.trim();
      return mapped;`);
    await until(0, 1);
    fn().setDecode(false);
    fn().setDecode(true);
    say(0, 2);
    expect(await result).toEqual(['map 8 fe000000', 'map 16 fe010000', 'unmap 8 fe000000']);
  });

  it('are unmapped under the lock where decoding went off and on after the entry, whatever the host does meanwhile', async () => {
    const { result, until, say } = run(`
      const inner = ${SECOND + ADJACENT}, at = ${BAR + ADJACENT};
      let reads = 0;
      view.read(inner, 4);
      host.unmapPage = (address) => { mapped.push('unmap ' + address.toString(16) + ' ' + view.read(at + 4, 4)); };
      // The inner access enters no more: it is the outer one's entry that counts.
      pages[${BAR}] = { write() {}, read(offset) {
        if (offset === ${ADJACENT + 4} || reads++ > 0) return offset;
        say(0, 1); until(0, 2);
        return view.read(inner, 4);
      } };
      return [view.read(at, 4), mapped];`);
    await until(0, 1);
    fn(16).setDecode(false);
    fn(16).setDecode(true);
    say(0, 2);
    expect(await result).toEqual([
      0x07070707,
      ['map 16 fe010000', 'map 8 fe000000', `unmap fe010000 ${ADJACENT + 4}`, 'map 16 fe010000'],
    ]);
  });

  it('are unmapped before the next function of the number maps the same ones', async () => {
    const { result, until, say } = run(`
      const inner = ${SECOND + ADJACENT}, at = ${BAR + ADJACENT};
      view.read(inner, 4);
      pages[${BAR}] = { write() {}, read() { say(0, 1); until(0, 2); return view.read(inner, 4); } };
      return [view.read(at, 4), mapped];`);
    await until(0, 1);
    dispatcher.deassign(16);
    dispatcher.assign(described(16, SECOND));
    say(0, 2);
    const map = 'map 16 fe010000';
    expect(await result).toEqual([0x07070707, [map, 'map 8 fe000000', 'unmap 16 fe010000', map]]);
  });

  it('are not those of the function that has their numbers next', async () => {
    const { result, until, say } = run(`
      view.read(${BAR + ADJACENT}, 4);
      say(0, 1); until(0, 2);
      pages[${BAR}] = new Uint8Array(4096).fill(9);
      return [view.read(${BAR + ADJACENT}, 4), mapped];`);
    await until(0, 1);
    dispatcher.deassign(8);
    dispatcher.assign(described(40, BAR));
    say(0, 2);
    expect(await result).toEqual([0x09090909, ['map 8 fe000000', 'unmap 8 fe000000', 'map 40 fe000000']]);
  });

  it('are all unmapped when it leaves, and its place is free', async () => {
    const { result, handle } = run(`view.read(${BAR + ADJACENT}, 4); view.detach(); return mapped;`);
    expect(await result).toEqual(['map 8 fe000000', 'unmap 8 fe000000']);
    dispatcher.serve();
    expect(dispatcher.share().worker).toBe(handle.worker);
  });
});

describe('storage', () => {
  /** Bytes that many changes take from the heap. */
  const taken = (): number => {
    const before = Reflect.get(core(), 'next') as number;
    for (let turn = 0; turn < 200; turn++) {
      fn().setDecode(false);
      fn().setDecode(true);
    }
    return (Reflect.get(core(), 'next') as number) - before;
  };

  it('is not used again before a worker has passed an entry or has trimmed', async () => {
    taken();
    const { result, until, say } = run(`
      view.read(${BAR}, 4); say(0, 1); until(0, 2);
      view.read(${BAR}, 4); view.trim(); say(0, 3); until(0, 4);
      view.read(${BAR}, 4); return 'done';`);
    await until(0, 1);
    const withReader = taken();
    expect(withReader).toBeGreaterThan(200 * 64);
    say(0, 2);
    await until(0, 3);
    expect(taken()).toBe(0);
    say(0, 4);
    expect(await result).toBe('done');
  });
});

describe('a worker that dies inside an access', () => {
  /** It holds 8's lock, and its handler has asked for decode-off of 16. */
  const DYING = `
    const other = view.find(16);
    pages[${BAR}] = { read() { other.setDecode(false); say(0, 1); until(0, 9); }, write() {} };
    view.read(${BAR + ADJACENT}, 4);`;

  it.each([
    ['by the dispatcher', (handle: ReturnType<SharedDispatcher['share']>) => dispatcher.release(handle)],
    ['by any thread', release],
  ])(
    'is released %s: its locks are free, what its handler asked for is done, its place is free',
    async (_, how) => {
      const { handle, until, terminate } = run(DYING);
      await until(0, 1);
      expect(locked(8)).toBe(true);
      await terminate();
      expect(locked(8)).toBe(true);
      how(handle);
      expect(locked(8)).toBe(false);
      dispatcher.serve();
      expect(fn(16).decoding).toBe(false);
      expect(dispatcher.read(BAR + 12, 4)).toBe(1);
      expect(fn().setDecode(false)).toBe('okay');
      expect(dispatcher.share().worker).toBe(handle.worker);
    },
  );

  it('lets those go on who wait for its lock', async () => {
    const dying = run(DYING);
    await dying.until(0, 1);
    const waiting = run(`say(0, 1); return view.read(${BAR + 12}, 4);`);
    await waiting.until(0, 1);
    await dying.terminate();
    dispatcher.release(dying.handle);
    expect(await waiting.result).toBe(1);
  });

  it('is released once: its place may be another’s', async () => {
    const { handle, until, terminate } = run(DYING);
    await until(0, 1);
    await terminate();
    dispatcher.release(handle);
    const next = dispatcher.share();
    dispatcher.release(handle);
    expect(dispatcher.share().worker).not.toBe(next.worker);
  });
});

describe('the epoch', () => {
  it('is never that of nobody, though it wraps', async () => {
    core().words[EPOCH / 4] = 0xfffffffe;
    core().words[(core().records.of(8) + GENERATION) / 4] = 0xfffffff0;
    const { result, until, say } = run(`
      view.read(${BAR + ADJACENT}, 4); say(0, 1); until(0, 2);
      return [view.read(${BAR + ADJACENT}, 4), mapped];`);
    await until(0, 1);
    fn().setDecode(false);
    fn().setDecode(true);
    expect(core().words[EPOCH / 4]).toBeGreaterThan(0);
    expect(core().words[EPOCH / 4]).toBeLessThan(100);
    say(0, 2);
    const map = 'map 8 fe000000';
    expect(await result).toEqual([0x07070707, [map, 'unmap 8 fe000000', map]]);
  });
});

describe('misuse', () => {
  it('63 workers have a place', () => {
    for (let worker = 1; worker < 64; worker++) expect(dispatcher.share().worker).toBe(worker);
    expect(() => dispatcher.share()).toThrow('share: 64 workers have a place, which is the most');
  });

  it('attach takes a handle and a host', () => {
    expect(() => attach({} as never, { host: { mapPage: () => null } })).toThrow(
      'attach: handle is not what SharedDispatcher.share returned',
    );
    expect(() => attach(dispatcher.share(), {} as never)).toThrow('attach: host has no method mapPage');
    const handle = dispatcher.share();
    attach(handle, { host: { mapPage: () => null } });
    expect(() => attach(handle, { host: { mapPage: () => null } })).toThrow(
      'attach: handle has been attached with already',
    );
  });
});
