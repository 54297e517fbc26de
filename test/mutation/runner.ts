import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CORE } from './place.js';

/** The process that runs the tests; started anew after one that did not return. */
export class Runner {
  private child: ChildProcess | undefined;
  /** Milliseconds. */
  private deadline = 600_000;

  /** The tests pass with this core; ten times as long as it takes is too long for any other. */
  async measure(wasm: Uint8Array): Promise<void> {
    const began = performance.now();
    const failed = await this.run(wasm);
    if (failed !== undefined) throw new Error(`${failed} fails without a mutant`);
    this.deadline = 10 * (performance.now() - began);
  }

  /** What noticed that the core is wrong: a file of tests, or the deadline. Undefined: nothing did. */
  async run(wasm: Uint8Array): Promise<string | undefined> {
    writeFileSync(CORE, wasm);
    this.child ??= await started();
    const { child } = this;
    const answered = new AbortController();
    const { signal } = answered;
    const deadline = setTimeout(() => this.stop(), this.deadline);
    child.send('run');
    const [answer] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => []),
    ]);
    clearTimeout(deadline);
    answered.abort();
    return answer === undefined ? 'the deadline' : answer.failed;
  }

  /** With the workers that it started. */
  stop(): void {
    if (this.child?.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    this.child = undefined;
  }
}

async function started(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('tests.js', import.meta.url)), { detached: true });
  await once(child, 'message');
  return child;
}
