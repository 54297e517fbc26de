import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder with the two FIFOs, and a process at their other ends: `peer.mjs`. */
export class Peer {
  readonly folder = mkdtempSync(join(tmpdir(), 'qtest-'));
  readonly path = join(this.folder, 'q');
  process: ChildProcess | undefined;

  constructor() {
    execFileSync('mkfifo', [`${this.path}.in`, `${this.path}.out`]);
  }

  start(...args: string[]): this {
    const script = fileURLToPath(new URL('peer.mjs', import.meta.url));
    this.process = spawn(process.execPath, [script, this.path, ...args], { stdio: 'inherit' });
    return this;
  }

  close(): void {
    this.process?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}
