import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Fifos } from '../../../src/hosts/qtest/fifos.js';

const { O_RDONLY, O_NONBLOCK } = constants;
const folder = mkdtempSync(join(tmpdir(), 'fifos-'));
const path = join(folder, 'q');
execFileSync('mkfifo', [`${path}.in`, `${path}.out`]);
afterAll(() => rmSync(folder, { recursive: true }));

it('a machine that reads and has not opened the other FIFO yet is waited for, one that does neither has ended', () => {
  const reader = openSync(`${path}.in`, O_RDONLY | O_NONBLOCK);
  const waiting = new Fifos(path, 50);
  waiting.send('a line');
  const bytes = Buffer.alloc(100);
  expect(bytes.toString('latin1', 0, readSync(reader, bytes))).toBe('a line\n');
  expect(() => waiting.receive('a line')).toThrow(`${path}: no answer to "a line" within 50 ms`);

  const ended = new Fifos(path, 50);
  closeSync(reader);
  expect(() => ended.receive('a line')).toThrow(`${path}: QEMU has ended`);
});
