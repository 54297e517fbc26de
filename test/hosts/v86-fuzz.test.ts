import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Width } from '../../src/access.js';
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
  type Trap,
} from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import type { AssignedFunction, FunctionDescription, TrappedFunction } from '../../src/function.js';
import { type Policy, policies } from '../../src/policy.js';
import { BASE } from '../layouts.js';
import { MemoryHost } from '../memory-host.js';
import { createReference } from '../reference/reference.js';
import { description } from '../topologies.js';
import { type Operation, withGuest } from './guest/machine.js';
import { Random } from './guest/random.js';

/** Operations of each policy. All of them together: 1,000,000. */
const OPERATIONS = Number(process.env.OPERATIONS ?? 10_000);
const SEED = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
console.log(`guest-driven accesses: SEED=${SEED} OPERATIONS=${OPERATIONS}`);

const BATCH = 2048;
/** Batches on one topology. */
const STAY = 4;
const ARENA = 0x8000;
const FIRST_DEVICE = 8;
const FUNCTIONS = 4;
const COMMAND = 0x04;
/** In the MSI-X capability, which Trapline makes at 0x60. */
const MESSAGE_CONTROL = 0x62;

/** The same world three times: behind v86, called by itself, and as the reference has it. */
class Worlds {
  readonly guest: Dispatcher;
  private readonly node: Dispatcher;
  private readonly reference: Trap;
  private readonly errors: unknown[] = [];
  private functions: { node: AssignedFunction; reference: TrappedFunction }[] = [];

  constructor(policy: Policy, trapAll: boolean) {
    const options = (): DispatcherOptions => ({
      host: new MemoryHost(),
      policy,
      trapAll,
      onError: (error) => this.errors.push(error),
    });
    this.guest = createDispatcher(options());
    this.node = createDispatcher(options());
    this.reference = createReference(options());
  }

  /** Other functions; those that the policy refuses are left out. */
  assign(descriptions: readonly FunctionDescription[]): void {
    for (const { node } of this.functions) {
      for (const world of [this.guest, this.node, this.reference]) world.deassign(node.sbdf);
    }
    this.functions = descriptions.flatMap((one) => {
      const made = [this.guest, this.node, this.reference].map((world) => attempt(() => world.assign(one)));
      expect(made.map((fn) => fn === undefined)).toEqual(Array(3).fill(made[0] === undefined));
      return made[0] ? [{ node: made[1] as AssignedFunction, reference: made[2] as TrappedFunction }] : [];
    });
  }

  /** What an operation may read, as v86 splits it. */
  expected(operation: Operation): number[][] {
    const words = this.carryOut(operation);
    return operation.kind === 'read' && operation.width >= 8 ? this.wideReads(operation, words) : [words];
  }

  private carryOut(operation: Operation): number[] {
    expect(this.errors).toEqual([]);
    const { kind, width, address, where = 0, data = [] } = operation;
    if (kind === 'config read')
      return [this.function(where)?.node.config.read(address, width as 1 | 2 | 4) ?? 2 ** (8 * width) - 1];
    if (kind === 'config write') {
      this.configWrite(where, address, width as 1 | 2 | 4, data[0]);
      return [];
    }
    if (kind === 'read') return this.readWords(address, width);
    if (kind === 'write') {
      this.write(address, width, data);
      return [];
    }
    if (kind === 'add') {
      const [sum] = this.readWords(address, 4);
      this.write(address, 4, [(sum + data[0]) >>> 0]);
      return [];
    }
    const elements = Array.from({ length: where }, (_, index) => address + index * width);
    if (kind === 'copy in') {
      const bytes = new DataView(new ArrayBuffer(16));
      elements.forEach((at, index) => {
        const [word] = this.readWords(at, width);
        for (let byte = 0; byte < width; byte++) bytes.setUint8(index * width + byte, word >>> (8 * byte));
      });
      return [0, 4, 8, 12].map((at) => bytes.getUint32(at, true));
    }
    const from = new DataView(Uint32Array.from(data).buffer);
    elements.forEach((at, index) => {
      const word =
        width === 1
          ? from.getUint8(index)
          : width === 2
            ? from.getUint16(2 * index, true)
            : from.getUint32(4 * index, true);
      this.write(at, width, [word]);
    });
    return [];
  }

  private function(where: number) {
    return this.functions.find(({ node }) => node.sbdf === where);
  }

  /** Node's function does it; the reference has no configuration space, and is told what came of it. */
  private configWrite(where: number, offset: number, width: 1 | 2 | 4, value: number): void {
    const fn = this.function(where);
    if (!fn) return;
    const places = fn.node.bars.map((bar) => bar.address);
    fn.node.config.write(offset, width, value);
    fn.node.bars.forEach(({ index, address }, at) => {
      if (address !== places[at]) fn.reference.moveBar(index, address);
    });
    if (offset === COMMAND) fn.reference.setDecode((value & 2) !== 0);
    if (offset === MESSAGE_CONTROL) fn.reference.writeMessageControl(value);
    expect([fn.reference.decoding, fn.reference.messageControl]).toEqual([
      fn.node.decoding,
      fn.node.messageControl,
    ]);
  }

  private readWords(address: number, width: number): number[] {
    if (width === 2) return [this.read(address, 1) | (this.read(address + 1, 1) << 8)];
    if (width < 4) return [this.read(address, 1)];
    return Array.from({ length: width / 4 }, (_, index) => this.word(address + 4 * index));
  }

  /** What v86 makes of a read of 8 or 16 bytes. */
  private wideReads({ width, address }: Operation, words: number[]): number[][] {
    const read = [words];
    // Compiled code reads all bytes of an access that crosses a page.
    if (crosses(address, width)) {
      read.push(words.map((_, index) => this.bytes(address + 4 * index)));
    }
    // The sign of a half's lower word is extended into its upper one.
    const extended = [[1], [3], [1, 3]].flatMap((upper) =>
      read.map((one) =>
        one.map((word, index) => (upper.includes(index) && one[index - 1] >>> 31 ? 0xffffffff : word)),
      ),
    );
    return [...read, ...extended];
  }

  private word(address: number): number {
    return crosses(address, 4) ? this.bytes(address) : this.read(address, 4);
  }

  private bytes(address: number): number {
    return [3, 2, 1, 0].reduce((word, index) => word * 256 + this.read(address + index, 1), 0);
  }

  private write(address: number, width: number, data: readonly number[]): void {
    if (width === 16) {
      this.write(address, 8, data.slice(0, 2));
      this.write(address + 8, 8, data.slice(2));
    } else if (!crosses(address, width)) {
      const answers = [this.node, this.reference].map((world) =>
        world.write(address, width as Width, data[0], data[1] ?? 0),
      );
      expect(answers[0]).toBe(answers[1]);
    } else if (width === 8) {
      this.write(address, 4, data.slice(0, 1));
      this.write(address + 4, 4, data.slice(1));
    } else {
      for (let index = 0; index < width; index++)
        this.write(address + index, 1, [(data[0] >>> (8 * index)) & 0xff]);
    }
  }

  private read(address: number, width: Width): number {
    const [node, reference] = [this.node, this.reference].map((world) => world.read(address, width));
    if (node !== reference)
      expect.fail(
        `read of ${width} at 0x${address.toString(16)}: ${node}, and by the reference ${reference}`,
      );
    // Unclaimed: v86 reads ones.
    return width === 1 ? node & 0xff : node >>> 0;
  }
}

const crosses = (address: number, width: number): boolean => (address % 0x1000) + width > 0x1000;

/** Undefined: the embedder is told what is wrong. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TraplineError) return undefined;
    throw error;
  }
}

/** Random functions in a few pages. */
function topology(random: Random): FunctionDescription[] {
  const functions = fc.tuple(
    ...Array.from({ length: FUNCTIONS }, (_, index) =>
      description((FIRST_DEVICE + index) << 3, 'guest', false),
    ),
  );
  // An expansion ROM is asked of the host; I/O BARs are not ours.
  return fc.sample(functions, { seed: random.next() | 0, numRuns: 1 })[0];
}

/** Operations that meet the edges of what the functions have. */
function operation(random: Random, edges: readonly number[]): Operation {
  const where = (FIRST_DEVICE + random.below(FUNCTIONS + 1)) << 3;
  const address = random.below(4) > 0 ? random.of(edges) + random.below(33) - 16 : BASE + random.below(ARENA);
  const data = [random.next(), random.below(2), random.next(), random.next()];
  const kind = random.below(100);
  if (kind < 8) {
    const width = random.of([1, 2, 4]);
    return { kind: 'config read', width, where, address: random.below(256 / width) * width };
  }
  if (kind < 16) {
    const [register, width, values] = random.of<[number, number, readonly number[]]>([
      [COMMAND, 2, [0, 2, 6]],
      [COMMAND, 1, [0, 2, 2]],
      [0x10, 4, [BASE + (random.below(8) << 12), 0xffffffff, random.next()]],
      [0x14, 4, [0, BASE + (random.below(8) << 12), 0xffffffff]],
      [0x18, 4, [BASE + (random.below(ARENA) & ~0xf), 0]],
      [MESSAGE_CONTROL, 2, [0, 0x8000, 0xc000, 0x4000]],
    ]);
    return { kind: 'config write', width, where, address: register, data: [random.of(values) >>> 0] };
  }
  if (kind < 50) return { kind: 'read', width: random.of([1, 2, 4, 4, 8, 16]), address };
  if (kind < 90) return { kind: 'write', width: random.of([1, 2, 4, 4, 8, 16]), address, data };
  if (kind < 93 && !crosses(address, 4)) return { kind: 'add', width: 4, address, data };
  const width = random.of([1, 2, 4]);
  const count = 1 + random.below(16 / width);
  return { kind: random.of(['copy in', 'copy out'] as const), width, where: count, address, data };
}

/** Where BARs and structures begin and end. */
function edgesOf(functions: readonly FunctionDescription[]): number[] {
  return functions.flatMap(({ bars, msix }) => {
    const start = (bir: number) => bars.find(({ index }) => index === bir)?.address ?? BASE;
    const structures = msix
      ? [
          start(msix.table.bir) + msix.table.offset,
          start(msix.table.bir) + msix.table.offset + 16 * msix.count,
          start(msix.pba.bir) + msix.pba.offset,
          start(msix.pba.bir) + msix.pba.offset + 8 * Math.ceil(msix.count / 64),
        ]
      : [];
    return [...bars.flatMap(({ address, size }) => [address, address + size]), ...structures];
  });
}

describe.each([
  ['strict, all trapping', policies.strict, true],
  ['strict', policies.strict, false],
  ['xen', policies.xen, false],
  ['xenV3', policies.xenV3, false],
] as const)('a guest of v86 under %s', (_, policy, trapAll) => {
  it('reads at random what Node and the reference read', async () => {
    const random = new Random(SEED);
    const worlds = new Worlds(policy, trapAll);
    await withGuest({ dispatcher: worlds.guest }, async (guest) => {
      let edges: number[] = [BASE];
      for (let done = 0, batch = 0; done < OPERATIONS; done += BATCH, batch++) {
        if (batch % STAY === 0) {
          const functions = topology(random);
          worlds.assign(functions);
          edges = edgesOf(functions);
        }
        const operations = Array.from({ length: BATCH }, () => operation(random, edges));
        const results = await guest.run(...operations);
        operations.forEach((one, index) => {
          const expected = worlds.expected(one);
          const got = results[index];
          if (!expected.some((words) => words.every((word, at) => word >>> 0 === got[at]))) {
            throw new Error(
              `SEED=${SEED}, operation ${done + index}: ${JSON.stringify(one)} read ${got}, and should read ${expected.join(' or ')}`,
            );
          }
        });
      }
      expect(guest.attachment.undelivered).toBe(0);
    });
  });
});
