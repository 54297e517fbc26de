import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { fetchDebian, hasApt, MODULES } from './debian.js';
import { COPIED, COPY, DIRECT, HALF, HASHED, pattern, sha256 } from './disk-copy.js';
import { Machine, type SavedMachine, SBDF } from './machine.js';

/** `.ci/run` ends it after ten minutes, of which building takes some. */
const DEADLINE = performance.now() + 520_000;
const DEVICE = `/sys/bus/pci/devices/${SBDF}`;
const LOAD = 'insmod /modules/nvme.ko; until [ -b /dev/nvme0n1 ]; do usleep 10000; done';
const IO_VECTOR = 1;

const PENDING = 'an interrupt pending in Trapline, masked';
const SENT = 'a message that the processor has not taken';
const POSTED = 'a completion that the driver has not taken';

const apt = hasApt();
if (!apt && process.env.TEST_LINUX === 'required') throw new Error('test:linux: apt-get is missing');
if (!apt) console.log('test:linux: skipped: apt-get is missing');

const machines: Machine[] = [];
let files: string;
let machine: Machine;

function assemble(): Machine {
  const assembled = new Machine(files, new Uint8Array(2 * HALF), DEADLINE);
  machines.push(assembled);
  return assembled;
}

const run = (line: string): Promise<string> => machine.console.run(line);

/** What `/proc/interrupts` says of a queue of the driver's, on the only CPU. */
async function interrupts(queue: string): Promise<{ count: number; kind: string }> {
  const line = await run(`grep -w ${queue} /proc/interrupts`);
  const [, count, kind] = line.trim().split(/\s+/);
  return { count: Number(count), kind: kind as string };
}

/** What the driver has to say, such as of a command that took 30 s because its interrupt was lost. */
function complaints(of: Machine): Promise<string> {
  return of.console.run("dmesg | grep nvme | grep -v -e 'pci function' -e 'default/read/poll queues'; true");
}

/** The driver has the device, and Linux and Trapline agree about its vectors. */
async function expectBound(): Promise<void> {
  expect(basename(await run(`readlink ${DEVICE}/driver`)).trim()).toBe('nvme');
  expect(Number(await run('cat /sys/block/nvme0n1/size'))).toBe(machine.disk.length / 512);
  expect(await run(`cat ${DEVICE}/msi_irqs/*`)).toBe('msix\nmsix\n');
  expect(machine.vectors.enabled).toBe(true);
  expect(machine.vectors.open).toEqual([0, IO_VECTOR]);
}

/** Lets the guest run on. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) {
    if (performance.now() > DEADLINE) throw new Error('the guest did not get there');
    await setImmediate();
  }
}

describe.skipIf(!apt)('Linux and its nvme driver on the example', () => {
  afterEach(() => {
    for (const { faults, undelivered } of machines)
      expect({ faults, undelivered }).toEqual({ faults: [], undelivered: 0 });
  });
  afterAll(async () => {
    for (const { emulator } of machines) await emulator.destroy();
  });

  it('has a kernel, a shell and a BIOS, by apt', () => {
    files = fetchDebian('build/linux', DEADLINE);
  });

  it('boots and finds the function', async () => {
    machine = assemble();
    await machine.run();
    await machine.console.finish();
    expect(await run(`cat ${DEVICE}/class`)).toBe('0x010802\n');
    expect(machine.vectors.enabled).toBe(false);
  });

  it('binds the driver, which enables MSI-X with 2 vectors', async () => {
    for (const module of MODULES.slice(0, -1)) await run(`insmod /modules/${basename(module)}.ko`);
    await run(LOAD);
    await expectBound();
  });

  it.each(['nvme0q0', 'nvme0q1'])('calls the interrupts of %s PCI-MSI', async (queue) => {
    expect((await interrupts(queue)).kind).toBe('PCI-MSI');
  });

  it('takes an interrupt for each of 1,024 direct reads', async () => {
    const { count } = await interrupts('nvme0q1');
    const sent = machine.messages[IO_VECTOR]!;
    await run(`${DIRECT} of=/dev/null bs=512 count=1024`);
    const taken = (await interrupts('nvme0q1')).count - count;
    expect(taken).toBeGreaterThanOrEqual(1024);
    expect(machine.messages[IO_VECTOR]! - sent).toBe(taken);
  });

  it('writes what the guest has, and reads it back', async () => {
    const busybox = readFileSync(join(files, 'busybox'));
    const { length } = busybox;
    await run('dd if=/bin/busybox of=/dev/nvme0n1 oflag=direct bs=4096 seek=1 conv=sync');
    expect(sha256(machine.disk.subarray(4096, 4096 + length))).toBe(sha256(busybox));
    const back = `${DIRECT} bs=4096 skip=1 count=${Math.ceil(length / 4096)} 2>/dev/null`;
    expect(await run(`${back} | head -c ${length} | sha256sum`)).toContain(sha256(busybox));
  });

  it.each([512, 4096, 65536, 1 << 20])('reads what the host has, %i bytes at once', async (size) => {
    const bytes = pattern(1 << 20, size);
    machine.disk.set(bytes);
    const read = `${DIRECT} bs=${size} count=${bytes.length / size} 2>/dev/null | sha256sum`;
    expect(await run(read)).toContain(sha256(bytes));
  });

  it('unloads the driver and loads it again', async () => {
    await run('rmmod nvme');
    expect(await run('ls /dev | grep nvme; grep nvme /proc/interrupts; true')).toBe('');
    expect(machine.vectors.enabled).toBe(false);
    await run(LOAD);
    await expectBound();
    const read = `${DIRECT} bs=65536 count=16 2>/dev/null | sha256sum`;
    expect(await run(read)).toContain(sha256(machine.disk.subarray(0, 1 << 20)));
  });

  describe('saved while programs copy the disk', () => {
    const data = pattern(HALF, 1);
    const copied = ({ disk }: { disk: Uint8Array }) => sha256(disk.subarray(HALF)) === sha256(data);
    const saved = new Map<string, SavedMachine>();

    /** Commands at the end of what was going on when a state was saved. */
    const ends = new Map<string, number>();

    /** Has the programs copy, and `work` done meanwhile. */
    async function whileCopying(work: (done: () => number) => Promise<void>): Promise<void> {
      machine.disk.fill(0);
      machine.disk.set(data);
      const before = machine.commands;
      machine.console.start(COPY);
      await work(() => machine.commands - before);
      expect(await machine.console.finish()).toContain(sha256(data));
      expect(machine.commands - before).toBe(HASHED);
      expect(copied(machine)).toBe(true);
      for (const moment of saved.keys()) if (!ends.has(moment)) ends.set(moment, machine.commands);
    }

    it('goes on after a moment with an interrupt on its way', async () => {
      await whileCopying(async (done) => {
        await until(() => done() > COPIED / 4);
        machine.vectors.mask(IO_VECTOR, true);
        await until(() => machine.vectors.pending(IO_VECTOR));
        await machine.emulator.stop();
        saved.set(PENDING, await machine.save());
        machine.vectors.mask(IO_VECTOR, false);
        saved.set(SENT, await machine.save());
        await machine.run();
      });
      expect([...saved.values()].map(copied)).toEqual([false, false]);
      expect(await complaints(machine)).toBe('');
    });

    it('goes on after a moment with a completion on its way', async () => {
      // The controller answers commands while their doorbell is rung: in flight is what the driver has not taken. One stop
      // in eight finds some; on a busy machine there may be few stops while the programs run.
      while (!saved.has(POSTED)) {
        await whileCopying(async (done) => {
          await until(() => done() > COPIED + (HASHED - COPIED) / 4);
          if (
            !(await machine.stopWhere(
              () => machine.completions > 0,
              () => done() < HASHED,
            ))
          )
            return;
          saved.set(POSTED, await machine.save());
          await machine.run();
        });
      }
      expect(copied(saved.get(POSTED)!)).toBe(true);
      expect(await complaints(machine)).toBe('');
    });

    it.each([PENDING, SENT, POSTED])('with %s, goes on in another machine', async (moment) => {
      const state = saved.get(moment)!;
      const other = assemble();
      await other.restore(state);
      expect(other.vectors.pending(IO_VECTOR)).toBe(moment === PENDING);
      other.vectors.mask(IO_VECTOR, false);
      await other.run();
      expect(await other.console.finish()).toContain(sha256(data));
      expect(other.commands).toBe(ends.get(moment));
      expect(copied(other)).toBe(true);
      expect(await complaints(other)).toBe('');
      await other.emulator.stop();
    });
  });
});
