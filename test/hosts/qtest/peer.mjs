// The other end of the FIFOs: 64 KiB of memory, and commands that say what to do wrong.
import { openSync, readSync, writeSync } from 'node:fs';

const [path, endianness = 'little'] = process.argv.slice(2);
// Both as QEMU does: for reading and writing.
const input = openSync(`${path}.in`, 'r+');
const output = openSync(`${path}.out`, 'r+');
const memory = new DataView(new ArrayBuffer(65536));
const lines = [];
const say = (text) => writeSync(output, text);
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const hex = (value, digits) => `OK 0x${value.toString(16).padStart(digits, '0')}\n`;
const stored = (store) => (at, value) => {
  store(at, value);
  say('OK\n');
};
const commands = {
  endianness: () => say(`OK ${endianness}\n`),
  lines: () => say(`OK ${JSON.stringify(lines.splice(0).slice(0, -1))}\n`),
  readb: (at) => say(hex(memory.getUint8(at), 16)),
  readw: (at) => say(hex(memory.getUint16(at, true), 16)),
  readl: (at) => say(hex(memory.getUint32(at, true), 16)),
  readq: (at) => say(hex(memory.getBigUint64(at, true), 16)),
  writeb: stored((at, value) => memory.setUint8(at, Number(value))),
  writew: stored((at, value) => memory.setUint16(at, Number(value), true)),
  writel: stored((at, value) => memory.setUint32(at, Number(value), true)),
  writeq: stored((at, value) => memory.setBigUint64(at, BigInt(value), true)),
  read: (at, size) => say(`OK 0x${Buffer.from(memory.buffer, at, Number(size)).toString('hex')}\n`),
  write: (at, _size, digits) => {
    Buffer.from(digits.slice(2), 'hex').copy(Buffer.from(memory.buffer), at);
    say('OK\n');
  },
  inb: () => say('OK 0x00f1\n'),
  inw: () => say('OK 0xf1f2\n'),
  inl: () => say('OK 0xf1f2f3f4\n'),
  outb: () => say('OK\n'),
  outw: () => say('OK\n'),
  outl: () => say('OK\n'),
  'answer-after-interrupts': () => say('IRQ raise 4\nIRQ lower 4\nOK 0x12\nIRQ raise 5\n'),
  'answer-in-parts': () => {
    say('OK 0x');
    pause(20);
    say('34\n');
  },
  'answer-what-is-none': () => say('what?\n'),
  'answer-nothing': () => {},
  end: () => process.exit(),
};

const chunk = Buffer.alloc(65536);
for (let rest = ''; ; ) {
  rest += chunk.toString('latin1', 0, readSync(input, chunk));
  for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
    const line = rest.slice(0, end);
    rest = rest.slice(end + 1);
    lines.push(line);
    const [name, at, ...words] = line.split(' ');
    if (commands[name]) commands[name](Number(at), ...words);
    else say(`FAIL Unknown command '${name}'\n`);
  }
}
