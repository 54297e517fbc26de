import { expect, it } from 'vitest';
import { SoftwareDevice } from './software-device.js';

// Every sequence of guest's and model's operations on two vectors, against a model that knows no transitions: after
// each operation it looks which vectors are masked, and sends what is pending and is not.

interface Operation {
  readonly name: string;
  readonly onDevice: (device: SoftwareDevice, model: Model) => void;
  readonly onModel: (model: Model) => void;
}

class Model {
  enabled = false;
  functionMask = false;
  readonly vectors = [0, 1].map(() => ({ mask: true, pending: false, uses: 0, data: 0, wasMasked: true }));
  told: string[] = [];

  masked(vector: number): boolean {
    return !this.enabled || this.functionMask || this.vectors[vector].mask;
  }

  raise(vector: number): void {
    if (this.vectors[vector].uses === 0) return;
    if (this.masked(vector)) this.vectors[vector].pending = true;
    else this.send(vector);
  }

  look(): void {
    for (const [index, vector] of this.vectors.entries()) {
      const masked = this.masked(index);
      if (masked !== vector.wasMasked) this.told.push(`${masked ? 'masked' : 'unmasked'} ${index}`);
      vector.wasMasked = masked;
      if (masked || !vector.pending) continue;
      vector.pending = false;
      if (vector.uses > 0) this.send(index);
    }
  }

  state(): string {
    return JSON.stringify([this.enabled, this.functionMask, this.vectors]);
  }

  private send(index: number): void {
    this.told.push(`send ${index} ${this.vectors[index].data.toString(16)}`);
  }
}

const control = (name: string, change: (model: Model) => void): Operation => ({
  name,
  // The model is changed first, so that the device gets the register's new value.
  onDevice: (device, model) => device.control(model.enabled, model.functionMask),
  onModel: change,
});

const operationsOn = (vector: number): Operation[] => [
  {
    name: `mask ${vector}`,
    onDevice: (device) => device.setMask(vector, true),
    onModel: (model) => {
      model.vectors[vector].mask = true;
    },
  },
  {
    name: `unmask ${vector}`,
    onDevice: (device) => device.setMask(vector, false),
    onModel: (model) => {
      model.vectors[vector].mask = false;
    },
  },
  {
    name: `raise ${vector}`,
    onDevice: (device) => device.interrupts.raise(vector),
    onModel: (model) => model.raise(vector),
  },
  {
    name: `use ${vector}`,
    onDevice: (device) => device.interrupts.use(vector),
    onModel: (model) => {
      model.vectors[vector].uses++;
    },
  },
  {
    name: `unuse ${vector}`,
    onDevice: (device) => device.interrupts.unuse(vector),
    onModel: ({ vectors }) => {
      vectors[vector].uses = Math.max(0, vectors[vector].uses - 1);
      if (vectors[vector].uses === 0) vectors[vector].pending = false;
    },
  },
  {
    name: `write message ${vector}`,
    onDevice: (device, model) =>
      device.dispatcher.write(device.entry(vector) + 8, 4, model.vectors[vector].data),
    onModel: ({ vectors }) => {
      vectors[vector].data ^= 1;
    },
  },
];

const controls = [
  control('enable', (model) => {
    model.enabled = true;
  }),
  control('disable', (model) => {
    model.enabled = false;
  }),
  control('mask function', (model) => {
    model.functionMask = true;
  }),
  control('unmask function', (model) => {
    model.functionMask = false;
  }),
];

/** Without the configuration space between: it costs more than all the rest. */
function directDevice(): SoftwareDevice {
  const device = new SoftwareDevice();
  device.control = (enabled, functionMask = false) =>
    device.fn.writeMessageControl((enabled ? 0x8000 : 0) | (functionMask ? 0x4000 : 0));
  return device;
}

/** Runs operations on a device like new; what they did, and whether the two agree. */
function run(device: SoftwareDevice, operations: readonly Operation[]): { model: Model; agree: boolean } {
  device.fn.writeMessageControl(0);
  device.interrupts.unuseAll();
  for (const vector of [0, 1]) {
    device.setMask(vector, true);
    device.dispatcher.write(device.entry(vector) + 8, 4, 0);
  }
  device.told();
  const model = new Model();
  for (const { onDevice, onModel } of operations) {
    onModel(model);
    onDevice(device, model);
    model.look();
  }
  const { interrupts } = device;
  const agree =
    device.told().join() === model.told.join() &&
    model.vectors.every(
      ({ pending }, vector) =>
        pending === interrupts.pending(vector) && model.masked(vector) === interrupts.masked(vector),
    );
  return { model, agree };
}

const describeRun = (operations: readonly Operation[]) => operations.map(({ name }) => name).join(', ');

/** All sequences of `length` operations. Their beginnings are covered with them. */
function everySequence(operations: readonly Operation[], length: number): number {
  const device = directDevice();
  let runs = 0;
  const picked = new Array<number>(length).fill(0);
  for (let at = 0; at >= 0; ) {
    const sequence = picked.map((index) => operations[index]);
    runs++;
    if (!run(device, sequence).agree) expect.fail(describeRun(sequence));
    for (at = length - 1; at >= 0 && ++picked[at] === operations.length; at--) picked[at] = 0;
  }
  return runs;
}

it('holds for every sequence of 6 operations on one vector', () => {
  expect(everySequence([...controls, ...operationsOn(0)], 6)).toBe(10 ** 6);
});

it('holds for every sequence of 5 operations on two vectors', () => {
  expect(everySequence([...controls, ...operationsOn(0), ...operationsOn(1)], 5)).toBe(16 ** 5);
});

it('holds for every operation in every state that two vectors can be in', () => {
  const device = directDevice();
  const operations = [...controls, ...operationsOn(0), ...operationsOn(1)];
  const seen = new Set([new Model().state()]);
  let front: Operation[][] = [[]];
  let checked = 0;
  while (front.length > 0) {
    const next: Operation[][] = [];
    for (const path of front) {
      for (const operation of operations) {
        const longer = [...path, operation];
        const { model, agree } = run(device, longer);
        if (!agree) expect.fail(describeRun(longer));
        checked++;
        const state = model.state();
        if (seen.has(state) || model.vectors.some(({ uses }) => uses > 2)) continue;
        seen.add(state);
        next.push(longer);
      }
    }
    front = next;
  }
  // Function bits 4; a vector: 2 messages, 2 masks, 0 to 2 uses, pending only where in use and masked.
  expect(seen.size).toBe(3 * (2 * 2 * 5) ** 2 + (2 * (5 + 3)) ** 2);
  expect(checked).toBe(16 * seen.size);
});
