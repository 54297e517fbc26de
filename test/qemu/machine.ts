import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Qtest } from '../../src/hosts/qtest.js';
import { image } from '../pci/rom-images.js';

const QEMU = 'qemu-system-x86_64';
/** Seconds that a machine lives at most, whatever becomes of the tests. */
const LIFETIME = '300';

export const hasQemu = (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, QEMU)));
if (!hasQemu && process.env.TEST_QEMU === 'required') throw new Error(`test:qemu: ${QEMU} is missing`);
if (!hasQemu) console.log(`test:qemu: skipped: ${QEMU} is missing`);

/** An expansion ROM of two images. */
export const ROM = Uint8Array.from([...image(1, false), ...image(2, true)]);

/** At the reset vector, 16 bytes before the end: `cli`, `hlt`, and `hlt` again. */
function firmware(): Uint8Array {
  const rom = new Uint8Array(65536);
  rom.set([0xfa, 0xf4, 0xeb, 0xfd], rom.length - 16);
  return rom;
}

/** A machine of QEMU whose devices run and whose processor sleeps: nobody else is at its devices. */
export class Machine {
  readonly qtest: Qtest;
  private readonly folder: string;
  private readonly process: ChildProcess;

  /** With `-device` options, for which there are the drive `disk` and the file `FOLDER/rom`. */
  constructor(...devices: string[]) {
    this.folder = mkdtempSync(join(tmpdir(), 'qtest-'));
    const file = (name: string) => join(this.folder, name);
    writeFileSync(file('firmware'), firmware());
    execFileSync('mkfifo', [file('qtest.in'), file('qtest.out')]);
    writeFileSync(file('disk'), new Uint8Array(1 << 20));
    writeFileSync(file('rom'), ROM);
    const log = openSync(file('log'), 'w');
    this.process = spawn(
      'timeout',
      [
        ...['--kill-after=5', LIFETIME, QEMU, '-machine', 'q35,accel=tcg', '-m', '64'],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-bios', file('firmware')],
        ...['-qtest', `pipe:${file('qtest')}`, '-qtest-log', 'none'],
        ...['-drive', `id=disk,if=none,format=raw,file=${file('disk')}`],
        ...devices.flatMap((device) => ['-device', device.replace('FOLDER', this.folder)]),
      ],
      { stdio: ['ignore', log, log] },
    );
    try {
      this.qtest = new Qtest(file('qtest'));
    } catch (error) {
      const { said } = this;
      this.close();
      throw new Error(`${(error as Error).message}\n${said}`);
    }
  }

  /** Ends QEMU. */
  kill(): void {
    this.process.kill();
  }

  /** What QEMU, or `timeout` of its end, said. */
  private get said(): string {
    const lines = readFileSync(join(this.folder, 'log'), 'utf8').split('\n');
    return lines.filter((line) => !/^$|: warning: |terminating on signal/.test(line)).join('\n');
  }

  /** Throws where QEMU complained or crashed. */
  close(): void {
    const { said } = this;
    this.kill();
    this.qtest?.close();
    rmSync(this.folder, { recursive: true });
    if (said !== '') throw new Error(`QEMU: ${said}`);
  }
}
