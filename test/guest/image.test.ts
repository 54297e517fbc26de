import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporary.js';

const folder = temporaryFolder();

describe.each(['src/guest/guest', 'test/hosts/guest/executor', 'bench/v86/loops'])('%s.elf', (program) => {
  const image = readFileSync(`${program}.elf`);
  /** What build.sh puts in. */
  const [, sources, compiler] = /sources ([0-9a-f]{64}), (gcc [^\0]*)\0/.exec(image.toString('latin1')) ?? [];

  it('is an ELF image for 32-bit x86, of a few KB', () => {
    expect([...image.subarray(0, 6)]).toEqual([0x7f, 0x45, 0x4c, 0x46, 1, 1]);
    expect(image.readUInt16LE(18)).toBe(3);
    expect(image.length).toBeLessThan(10_000);
  });

  it('has a multiboot header where loaders look for it', () => {
    const words = Math.min(8192, image.length) >> 2;
    const at = [...Array(words).keys()].find((word) => image.readUInt32LE(4 * word) === 0x1badb002)!;
    const [magic, flags, checksum] = [0, 4, 8].map((offset) => image.readUInt32LE(4 * at + offset));
    expect((magic + flags + checksum) >>> 0).toBe(0);
  });

  it('was built of the sources as they are', () => {
    const hash = createHash('sha256');
    const runtime = ['runtime.c', 'runtime.h', 'link.ld', 'build.sh'].map((name) => `src/guest/${name}`);
    for (const file of ['src/guest/boot.S', `${program}.c`, ...runtime]) hash.update(readFileSync(file));
    expect(sources).toBe(hash.digest('hex'));
  });

  it('is what the compiler that it names makes of them, where that is here', () => {
    const here = spawnSync('gcc', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
    expect(compiler).toMatch(/^gcc .*\d+\.\d+\.\d+$/);
    if (here !== compiler) return;
    const rebuilt = join(folder, 'rebuilt.elf');
    execFileSync('src/guest/build.sh', [`${program}.c`, rebuilt]);
    expect(readFileSync(rebuilt).equals(image)).toBe(true);
  });
});
