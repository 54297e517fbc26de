import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CORE } from './place.js';

/** Milliseconds, several times as long as all tests take. */
const DEADLINE = 600_000;

/** The process that runs the tests; started anew after one that did not return. */
export class Runner {
  private child: ChildProcess | undefined;

  /** What noticed that the core is wrong: a file of tests, or the deadline. Undefined: nothing did. */
  async run(wasm: Uint8Array): Promise<string | undefined> {
    writeFileSync(CORE, wasm);
    this.child ??= await started();
    const { child } = this;
    child.send('run');
    const deadline = setTimeout(() => this.stop(), DEADLINE);
    const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [])]);
    clearTimeout(deadline);
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
