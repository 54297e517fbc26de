import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { MutantCores } from './mutant-cores.js';

/** What the tests say: a file of them begins, or they have ended. */
export type Told = { readonly begins: string } | { readonly failed: string | null };

const LEAST = 5000;

/** The process that runs the tests; started anew after one that did not return. */
export class Runner {
  private child: ChildProcess | undefined;
  /** Milliseconds that a file of tests may take. */
  private readonly deadlines = new Map<string, number>();

  /** The tests pass with these cores; ten times as long as a file takes is too long for any other. */
  async measure(cores: MutantCores): Promise<void> {
    let now = performance.now();
    let file = '';
    const failed = await this.run(cores, (next) => {
      this.deadlines.set(file, LEAST + 10 * (performance.now() - now));
      now = performance.now();
      file = next;
    });
    if (failed !== undefined) throw new Error(`${failed} fails without a mutant`);
    this.deadlines.set(file, LEAST + 10 * (performance.now() - now));
  }

  /** What noticed that the cores are wrong: a file of tests, or its deadline. Undefined: nothing did. */
  async run(cores: MutantCores, begins = (_file: string): void => {}): Promise<string | undefined> {
    await cores.write();
    this.child ??= await started();
    const { child } = this;
    return new Promise((resolve) => {
      let deadline: NodeJS.Timeout | undefined;
      const end = (what: string | undefined) => {
        clearTimeout(deadline);
        child.removeAllListeners();
        resolve(what);
      };
      child.on('message', (told: Told) => {
        if (!('begins' in told)) return end(told.failed ?? undefined);
        begins(told.begins);
        clearTimeout(deadline);
        deadline = setTimeout(() => {
          this.stop();
          end(`the deadline of ${told.begins}`);
        }, this.deadlines.get(told.begins) ?? 600_000);
      });
      child.on('exit', () => {
        this.child = undefined;
        end('the end of the process');
      });
      child.send('run');
    });
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
