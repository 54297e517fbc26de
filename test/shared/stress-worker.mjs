// Hammers the places of stress.test.ts with accesses, and says at once what must not have happened.
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'trapline/shared';
import { random } from './stress-random.mjs';

const { handle, truth, memories, accesses, seed, layout } = workerData;
const { BASE, HALF, HALVES, FUNCTIONS, CHANGES, FAILED, ALLOWED, PLACE, DONE, ADJACENT, GONE, TAG } = layout;
const next = random(seed);
const UNCLAIMED = -1;

/** Where the access under way is; nested ones have their own. */
let current = 0;
let depth = 0;

function fail(text) {
  Atomics.store(truth, FAILED, 1);
  parentPort.postMessage({ failure: `seed ${seed}: ${text}` });
  throw new Error(`seed ${seed}: ${text}`);
}

const indexOf = (sbdf) => sbdf >>> 3;

/** A page that is touched where its function is not there, or after it was unmapped, fails the run. */
function touched(index, live, what) {
  if (!live.mapped) fail(`${what} of function ${index} after this worker unmapped it`);
  if (Atomics.load(truth, ALLOWED + index) === 0) fail(`${what} of function ${index} while decoding is off`);
  const place = Atomics.load(truth, PLACE + index);
  if (Math.floor((current - BASE) / 0x1000) !== Math.floor(place / 2)) {
    fail(`${what} of function ${index}, which is at ${place}, at 0x${current.toString(16)}`);
  }
}

const functions = [];
const live = new Map();
const host = {
  mapPage(address, sbdf) {
    const index = indexOf(sbdf);
    if (Atomics.load(truth, ALLOWED + index) === 0)
      fail(`mapPage of function ${index} while decoding is off`);
    const state = { mapped: true };
    live.set(`${sbdf} ${address}`, state);
    if (index % 2 === 0) return new Uint8Array(memories[index]);
    return {
      read(offset) {
        touched(index, state, 'a read');
        inside(index);
        touched(index, state, 'a read after its handler');
        return (TAG + index) * 0x10000 + offset;
      },
      write() {
        touched(index, state, 'a write');
      },
    };
  },
  unmapPage(address, sbdf) {
    live.get(`${sbdf} ${address}`).mapped = false;
  },
};

/** What a handler does besides: another access, or a change when it ends. */
function inside(index) {
  const dice = next(2000);
  if (depth < 3 && dice < 500) access();
  else if (dice === 501 && functions[index]) functions[index].setDecode(false);
  else if (dice === 502 && functions[index]) functions[index].writeMessageControl(0x8000);
}

const view = attach(handle, { host, onError: (error) => fail(error.message) });

function access() {
  const half = next(HALVES);
  const start = BASE + half * HALF;
  const outer = current;
  depth++;
  const dice = next(10000);
  if (dice < 4500) readTable(start);
  else if (dice < 6000) writeTable(start);
  else if (dice < 8500) readAdjacent(start);
  else if (dice < 9980) writeAdjacent(start);
  // The dispatcher's worker does some of these: each takes as long as a thousand others.
  else if (dice < 9999) anyAccess(start);
  else if (depth === 1) writeMask(start);
  depth--;
  current = outer;
}

/** Word 0 of an entry tells the function; word 4 is anybody's. */
function readTable(start) {
  const before = Atomics.load(truth, CHANGES);
  current = start;
  const value = view.read(start + 16 * next(4), 4);
  if (depth > 1 || before % 2 !== 0) return;
  const index = value === UNCLAIMED || value === GONE ? -1 : value - TAG;
  const wrong = wrongOwner(start, index);
  // Nothing has changed since before the access: whose it was is known.
  if (wrong && before === Atomics.load(truth, CHANGES)) fail(`${wrong} and read 0x${value.toString(16)}`);
}

/** What is wrong if a function, or none, has answered. */
function wrongOwner(start, index) {
  const place = (start - BASE) / HALF;
  for (let one = 0; one < FUNCTIONS; one++) {
    const there = Atomics.load(truth, ALLOWED + one) === 1 && Atomics.load(truth, PLACE + one) === place;
    if (there !== (index === one))
      return `0x${start.toString(16)} is ${there ? '' : 'not '}function ${one}'s`;
  }
  return '';
}

function writeTable(start) {
  current = start;
  view.write(start + 16 * next(4) + 4, 4, next(0x10000));
}

/** The host is told by the dispatcher's worker. */
function writeMask(start) {
  current = start + 12 + 16 * next(4);
  view.write(current, 4, next(2));
}

function readAdjacent(start) {
  current = start + ADJACENT;
  const value = view.read(current, 4);
  if (value === UNCLAIMED || value === GONE) return;
  const index = Math.floor(value / 0x10000) - TAG;
  if (!(index >= 0 && index < FUNCTIONS)) fail(`0x${current.toString(16)} read 0x${value.toString(16)}`);
}

function writeAdjacent(start) {
  current = start + ADJACENT + 8;
  view.write(current, 4, next(0x10000));
}

/** Any width and place, unaligned and across owners too: those are asked for. */
function anyAccess(start) {
  current = start + 0x40 + next(HALF - 0x48);
  const width = [1, 2, 4, 8][next(4)];
  if (next(2) === 0) view.read(current, width);
  else if (current >= start + ADJACENT + 8 && current < start + HALF - 16) view.write(current, width, 0, 0);
}

const COUNT = 5000;
for (let index = 0; index < FUNCTIONS; index++) functions[index] = view.find(index << 3);
for (let left = accesses; left > 0 && Atomics.load(truth, FAILED) === 0; left -= COUNT) {
  for (let count = 0; count < COUNT; count++) access();
  Atomics.add(truth, DONE, COUNT);
  if (next(50) === 0) view.trim();
  // The function may be another by now.
  const index = next(FUNCTIONS);
  functions[index] = view.find(index << 3);
}
view.detach();
parentPort.postMessage({ counts: view.counts });
