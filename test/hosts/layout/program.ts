import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A C program of this folder, compiled with the distribution's header of the structures that it fills and reads. */
export class Program<Layout> {
  readonly layout: Layout;
  private readonly file: string;

  constructor(name: string, header: string, needs: string) {
    if (spawnSync('gcc', ['--version']).status !== 0) {
      throw new Error('test:hosts needs a C compiler: apt-get install gcc libc6-dev');
    }
    const found = spawnSync('gcc', ['-E', '-include', 'stdint.h', '-'], { input: `#include <${header}>\n` });
    if (found.status !== 0)
      throw new Error(`test:hosts needs <${header}>: apt-get install libc6-dev ${needs}`);
    const folder = mkdtempSync(join(tmpdir(), 'layout-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    this.file = join(folder, name);
    const source = `test/hosts/layout/${name}.c`;
    execFileSync('gcc', ['-std=c11', '-O1', '-Wall', '-Wextra', '-Werror', '-o', this.file, source]);
    this.layout = JSON.parse(this.run('layout', '').toString()) as Layout;
  }

  /** The bytes that lines of words and numbers make. */
  fill(lines: readonly (readonly (string | number | bigint)[])[]): Buffer {
    return this.run('fill', words(lines));
  }

  /** The fields of structures, a line each. */
  read(bytes: Uint8Array): bigint[][] {
    return numbers(this.run('read', bytes));
  }

  /** What another mode prints of lines of numbers. */
  print(mode: string, lines: readonly (readonly (number | bigint)[])[]): bigint[][] {
    return numbers(this.run(mode, words(lines)));
  }

  private run(mode: string, input: string | Uint8Array): Buffer {
    return execFileSync(this.file, [mode], { input, maxBuffer: 2 ** 28 });
  }
}

const words = (lines: readonly (readonly (string | number | bigint)[])[]): string =>
  lines.map((line) => `${line.map((word) => word.toString(16)).join(' ')}\n`).join('');

const numbers = (output: Buffer): bigint[][] =>
  output
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map((word) => BigInt(`0x${word}`)));

/** A view of a structure's own copy, at the start of a buffer as mapped pages are. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(new Uint8Array(bytes).buffer);
export const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
