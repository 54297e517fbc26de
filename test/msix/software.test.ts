import { describe, expect, it } from 'vitest';
import { BAR, PBA, SoftwareDevice } from './software-device.js';

const CAPABILITY = 0x60;

describe('a vector of a software function', () => {
  it('is sent at once while nothing masks it', () => {
    const device = new SoftwareDevice().start();
    expect(device.interrupts.raise(1)).toBe('sent');
    expect(device.sent()).toEqual(['send 1 41']);
    expect(device.interrupts.pending(1)).toBe(false);
  });

  it('carries the whole message', () => {
    let seen: unknown;
    const device = new SoftwareDevice({ model: { send: (message) => (seen = message) } });
    device.interrupts.use(0);
    device.dispatcher.write(device.entry(0), 8, 0xfee01234, 0x89abcdef);
    device.dispatcher.write(device.entry(0) + 8, 8, 0xffff4041, 0);
    device.control(true);
    device.interrupts.raise(0);
    expect(seen).toEqual({ addressLow: 0xfee01234, addressHigh: 0x89abcdef, data: 0xffff4041 });
  });

  it('raised while masked is pending, and sent when unmasked', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    expect(device.interrupts.raise(0)).toBe('pending');
    expect(device.interrupts.pending(0)).toBe(true);
    expect(device.told()).toEqual(['masked 0']);
    device.setMask(0, false);
    expect(device.told()).toEqual(['unmasked 0', 'send 0 40']);
    expect(device.interrupts.pending(0)).toBe(false);
  });

  it('raised twice while masked is sent once', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.interrupts.raise(0);
    device.setMask(0, false);
    device.setMask(0, true);
    device.setMask(0, false);
    expect(device.sent()).toEqual(['send 0 40']);
  });

  it('stays pending behind its own mask when the function mask ends', () => {
    const device = new SoftwareDevice().start();
    device.control(true, true);
    device.interrupts.raise(0);
    device.interrupts.raise(1);
    device.setMask(1, true);
    device.control(true, false);
    expect(device.sent()).toEqual(['send 0 40']);
    expect(device.interrupts.pending(1)).toBe(true);
  });

  it('raised while MSI-X is disabled is sent when it is enabled', () => {
    const device = new SoftwareDevice().start();
    device.control(false);
    expect(device.interrupts.masked(0)).toBe(true);
    device.interrupts.raise(0);
    expect(device.sent()).toEqual([]);
    device.control(true);
    expect(device.sent()).toEqual(['send 0 40']);
  });

  it('is not sent by unmasking while MSI-X is disabled or the function is masked', () => {
    const device = new SoftwareDevice().start();
    for (const [enabled, functionMask] of [
      [false, false],
      [false, true],
      [true, true],
    ]) {
      device.control(enabled, functionMask);
      device.setMask(0, true);
      device.interrupts.raise(0);
      device.setMask(0, false);
      expect(device.sent()).toEqual([]);
      expect(device.interrupts.pending(0)).toBe(true);
    }
  });

  it('sends the message that the table holds then, not when it was raised', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.writeMessage(0, 0x77);
    expect(device.sent()).toEqual([]);
    device.setMask(0, false);
    expect(device.sent()).toEqual(['send 0 77']);
  });

  it.each([
    ['8 bytes', 8],
    ['twice 4 bytes', 4],
  ] as const)('sends to the address that the table holds then, written by %s', (_name, width) => {
    const sent: unknown[] = [];
    const device = new SoftwareDevice({ model: { send: (message) => sent.push(message) } }).start();
    const [entry, addressLow, addressHigh] = [device.entry(0), 0xfee12004, 0x89abcdef];
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.dispatcher.write(entry, width, addressLow, addressHigh);
    if (width === 4) device.dispatcher.write(entry + 4, 4, addressHigh);
    device.setMask(0, false);
    expect(sent).toEqual([{ addressLow, addressHigh, data: 0x40 }]);
  });

  it('takes a message written while it is unmasked for the next interrupt', () => {
    const device = new SoftwareDevice().start();
    device.writeMessage(0, 0x78);
    expect(device.told()).toEqual([]);
    device.interrupts.raise(0);
    expect(device.sent()).toEqual(['send 0 78']);
  });

  it('is unmasked by the upper half of an 8-byte write, with the data of the lower', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.dispatcher.write(device.entry(0) + 8, 8, 0x99, 0);
    expect(device.sent()).toEqual(['send 0 99']);
  });

  it('is unmasked by 0xfffffffe: only bit 0 masks', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.dispatcher.write(device.entry(0) + 12, 4, 0xfffffffe);
    expect(device.sent()).toEqual(['send 0 40']);
    expect(device.interrupts.masked(0)).toBe(false);
  });
});

describe('uses', () => {
  it('are none at first, and a raise without one is dropped', () => {
    const device = new SoftwareDevice();
    expect(device.interrupts.raise(0)).toBe('dropped');
    expect(device.interrupts.use(0)).toBe(true);
    device.setMask(0, false);
    device.control(true);
    expect(device.sent()).toEqual([]);
    expect(device.interrupts.pending(0)).toBe(false);
  });

  it('are counted: the last end clears what is pending', () => {
    const { interrupts } = new SoftwareDevice();
    interrupts.use(0);
    interrupts.use(0);
    interrupts.raise(0);
    interrupts.unuse(0);
    expect(interrupts.pending(0)).toBe(true);
    interrupts.unuse(0);
    expect(interrupts.pending(0)).toBe(false);
    interrupts.unuse(0);
    interrupts.use(0);
    expect(interrupts.raise(0)).toBe('pending');
  });

  it('end all at once, with all that is pending', () => {
    const { interrupts } = new SoftwareDevice();
    interrupts.useAll();
    interrupts.use(0);
    interrupts.raise(0);
    interrupts.raise(1);
    interrupts.unuseAll();
    expect([interrupts.pending(0), interrupts.pending(1)]).toEqual([false, false]);
    expect([interrupts.raise(0), interrupts.raise(1)]).toEqual(['dropped', 'dropped']);
  });

  it('of vectors that do not exist are refused, and nothing throws', () => {
    const device = new SoftwareDevice().start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.told();
    for (const vector of [2, 64, 2048, 0xffff, -1, 0.5, Number.NaN, 2 ** 32]) {
      expect(device.interrupts.use(vector)).toBe(false);
      expect(device.interrupts.raise(vector)).toBe('dropped');
      device.interrupts.unuse(vector);
      device.interrupts.clearPending(vector);
      expect(device.interrupts.pending(vector)).toBe(false);
      expect(device.interrupts.masked(vector)).toBe(true);
    }
    expect(device.told()).toEqual([]);
    expect(device.interrupts.pending(0)).toBe(true);
  });

  it('of a vector leave the others alone', () => {
    const device = new SoftwareDevice();
    device.interrupts.use(1);
    expect([device.interrupts.raise(0), device.interrupts.raise(1)]).toEqual(['dropped', 'pending']);
  });
});

it('clearPending takes back what is over, of this vector', () => {
  const device = new SoftwareDevice().start();
  device.control(true, true);
  device.interrupts.raise(0);
  device.interrupts.raise(1);
  device.interrupts.clearPending(0);
  device.control(true);
  expect(device.sent()).toEqual(['send 1 41']);
});

describe('Message Control', () => {
  it.each([
    ['1 byte at +3', 3, 1, 0x80],
    ['2 bytes at +2', 2, 2, 0x8000],
    ['4 bytes at +0', 0, 4, 0x8001_0011],
  ] as const)('is written by %s', (_name, offset, width, value) => {
    const device = new SoftwareDevice().start();
    device.control(false);
    device.interrupts.raise(0);
    device.fn.config.write(CAPABILITY + offset, width, value);
    expect(device.fn.messageControl).toBe(0x8001);
    expect(device.sent()).toEqual(['send 0 40']);
  });

  it('in a byte that has neither bit does nothing', () => {
    const device = new SoftwareDevice().start();
    device.control(true, true);
    device.interrupts.raise(0);
    device.told();
    device.fn.config.write(CAPABILITY + 2, 1, 0xff);
    expect(device.fn.messageControl).toBe(0xc001);
    expect(device.told()).toEqual([]);
  });

  it.each([
    [0x80, 0x8001, false],
    [0xc0, 0xc001, true],
    [0x40, 0x4001, true],
    [0x00, 0x0001, true],
  ])('with 0x%s in its upper byte reads 0x%s', (byte, control, masked) => {
    const device = new SoftwareDevice().start();
    device.fn.config.write(CAPABILITY + 3, 1, byte);
    expect(device.fn.config.read(CAPABILITY + 2, 2)).toBe(control);
    expect(device.interrupts.masked(0)).toBe(masked);
  });

  it('tells of every vector whose own bit is clear, and of no other', () => {
    const device = new SoftwareDevice({ msix: { count: 3 } }).start();
    device.setMask(1, true);
    device.told();
    device.control(true, true);
    device.control(false, true);
    device.control(false, false);
    expect(device.told()).toEqual(['masked 0', 'masked 2']);
    device.control(true);
    expect(device.told()).toEqual(['unmasked 0', 'unmasked 2']);
  });

  it('written unchanged does nothing', () => {
    const device = new SoftwareDevice().start();
    device.control(true);
    device.setMask(0, false);
    expect(device.told()).toEqual([]);
  });
});

describe('callbacks', () => {
  const maskedBy: [string, (device: SoftwareDevice, masked: boolean) => void][] = [
    ['its mask ends', (device, masked) => device.setMask(0, masked)],
    ['the function mask ends', (device, masked) => device.control(true, masked)],
    ['MSI-X is enabled', (device, masked) => device.control(!masked)],
    ['it is raised', () => {}],
  ];
  it.each(maskedBy)('may raise the vector again while it is sent because %s: two messages', (_name, mask) => {
    let again = 1;
    const device: SoftwareDevice = new SoftwareDevice({
      model: { send: (_message, vector) => again-- > 0 && device.interrupts.raise(vector) },
    }).start();
    mask(device, true);
    device.interrupts.raise(0);
    mask(device, false);
    expect(device.sent()).toEqual(['send 0 40', 'send 0 40']);
    expect(device.interrupts.pending(0)).toBe(false);
  });

  it('may mask the vector and raise it again while it is sent: it stays pending', () => {
    const device: SoftwareDevice = new SoftwareDevice({
      model: {
        send: (_message, vector) => {
          device.setMask(vector, true);
          device.interrupts.raise(vector);
        },
      },
    }).start();
    device.setMask(0, true);
    device.interrupts.raise(0);
    device.setMask(0, false);
    expect(device.told()).toEqual(['masked 0', 'unmasked 0', 'send 0 40', 'masked 0']);
    expect(device.interrupts.pending(0)).toBe(true);
  });

  it('may mask the vector when it is told that it is unmasked: it stays pending', () => {
    const device: SoftwareDevice = new SoftwareDevice({
      model: { onVectorUnmasked: (vector) => device.setMask(vector, true) },
    });
    device.interrupts.use(0);
    device.interrupts.raise(0);
    device.control(true);
    device.setMask(0, false);
    expect(device.told()).toEqual(['unmasked 0', 'masked 0']);
    expect(device.interrupts.pending(0)).toBe(true);
  });

  it('may disable MSI-X in the middle of its being enabled', () => {
    const device: SoftwareDevice = new SoftwareDevice({ model: { send: () => device.control(false) } });
    device.interrupts.useAll();
    device.setMask(0, false);
    device.setMask(1, false);
    device.interrupts.raise(0);
    device.interrupts.raise(1);
    device.control(true);
    expect(device.told()).toEqual(['unmasked 0', 'send 0 0', 'masked 0']);
    expect(device.interrupts.pending(1)).toBe(true);
    expect(device.fn.messageControl).toBe(0x0001);
  });

  it('see a vector unmasked before what was pending is sent', () => {
    const device = new SoftwareDevice();
    device.interrupts.useAll();
    device.setMask(0, false);
    device.setMask(1, false);
    device.interrupts.raise(0);
    device.interrupts.raise(1);
    device.control(true);
    expect(device.told()).toEqual(['unmasked 0', 'send 0 0', 'unmasked 1', 'send 1 0']);
  });

  it('get the message with the unmasking', () => {
    const messages: unknown[] = [];
    const device = new SoftwareDevice({
      model: { onVectorUnmasked: (_vector, message) => messages.push(message) },
    }).start();
    expect(messages).toEqual([
      { addressLow: 0xfee00000, addressHigh: 0, data: 0x40 },
      { addressLow: 0xfee00000, addressHigh: 0, data: 0x41 },
    ]);
    expect(device.errors).toEqual([]);
  });

  it('that throw are reported, and the other vectors still sent', () => {
    const wrong = new Error('no bus');
    const device = new SoftwareDevice({
      model: {
        send: (_message, vector) => {
          if (vector === 0) throw wrong;
        },
        onVectorUnmasked: (vector) => {
          if (vector === 1) throw wrong;
        },
        onVectorMasked: () => {
          throw wrong;
        },
      },
    });
    device.interrupts.useAll();
    device.setMask(0, false);
    device.setMask(1, false);
    device.interrupts.raise(0);
    device.interrupts.raise(1);
    device.control(true);
    expect(device.sent()).toEqual(['send 0 0', 'send 1 0']);
    expect(device.interrupts.raise(0)).toBe('sent');
    device.control(false);
    expect(device.errors).toEqual([wrong, wrong, wrong, wrong, wrong]);
    expect(device.fn.messageControl).toBe(0x0001);
    expect(device.dispatcher.counts['host-error']).toBe(5);
  });

  it('may deassign the function: nothing more is sent, and its memory is not touched', () => {
    const device: SoftwareDevice = new SoftwareDevice({
      model: { send: () => device.dispatcher.deassign(8) },
    });
    device.interrupts.useAll();
    for (const vector of [0, 1]) {
      device.setMask(vector, false);
      device.interrupts.raise(vector);
    }
    device.control(true);
    expect(device.sent()).toEqual(['send 0 0']);
    expect(device.errors).toEqual([]);
  });

  it('may deassign the function when a vector is unmasked', () => {
    const device: SoftwareDevice = new SoftwareDevice({
      model: { onVectorUnmasked: () => device.dispatcher.deassign(8) },
    });
    device.interrupts.useAll();
    device.interrupts.raise(0);
    device.control(true);
    device.setMask(0, false);
    expect(device.told()).toEqual(['unmasked 0']);
    expect(device.errors).toEqual([]);
  });
});

describe('a reset', () => {
  it('clears pending bits, control and table, masks every entry, and says so', () => {
    const resets: number[] = [];
    const device: SoftwareDevice = new SoftwareDevice({
      model: { onReset: () => resets.push(device.fn.messageControl) },
    }).start();
    device.setMask(1, true);
    device.interrupts.raise(1);
    device.told();
    device.fn.reset();
    expect(device.told()).toEqual(['masked 0']);
    expect(device.fn.messageControl).toBe(0x0001);
    expect(device.interrupts.pending(1)).toBe(false);
    device.fn.setDecode(true);
    expect(device.dispatcher.readBig(BAR + PBA)).toBe(0n);
    for (const vector of [0, 1]) {
      const entry = { addressLow: 0, addressHigh: 0, data: 0, masked: true };
      expect(device.fn.vector(vector)).toMatchObject(entry);
    }
    expect(resets).toEqual([0x0001]);
  });

  it('leaves the uses to the model', () => {
    const device = new SoftwareDevice().start();
    device.fn.reset();
    expect(device.interrupts.raise(0)).toBe('pending');
  });
});

it('is misuse once the function is deassigned', () => {
  const device = new SoftwareDevice().start();
  const { interrupts } = device;
  device.dispatcher.deassign(8);
  for (const method of ['raise', 'clearPending', 'use', 'unuse', 'pending', 'masked'] as const) {
    expect(() => interrupts[method](0)).toThrow(
      expect.objectContaining({
        code: 'unknown-function',
        message: `${method}: function 0000:00:01.0 is not assigned any more`,
      }),
    );
  }
  for (const method of ['useAll', 'unuseAll'] as const) {
    expect(() => interrupts[method]()).toThrow(expect.objectContaining({ code: 'unknown-function' }));
  }
});

it('is there only for software functions with MSI-X', () => {
  const { dispatcher } = new SoftwareDevice();
  const bars = [{ index: 0, type: 'mem32', address: BAR + 0x10000, size: 0x1000 }] as const;
  const msix = { count: 1, table: { bir: 0, offset: 0 }, pba: { bir: 0, offset: 0x800 } };
  expect(dispatcher.assign({ sbdf: 9, bars, msix }).interrupts).toBeUndefined();
  expect(dispatcher.assign({ sbdf: 10, bars, software: { send() {} } }).interrupts).toBeUndefined();
  expect(dispatcher.read(BAR + PBA, 4)).toBe(0);
});
