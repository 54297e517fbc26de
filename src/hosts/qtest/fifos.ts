import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { QtestError } from './error.js';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
/** Milliseconds of looking without a pause: most answers take 0.1. Then a pause between two looks. */
const BUSY = 0.2;
const PAUSE = 0.5;

/**
 * QEMU's character device `pipe:PATH`: a line to the FIFO `PATH.in`, its answer from `PATH.out`, synchronously. No call
 * takes longer than `timeout` milliseconds. What fails once has failed for good: an answer that comes late would be
 * taken for the next one.
 */
export class Fifos {
  private readonly path: string;
  private readonly timeout: number;
  private readonly pause = new Int32Array(new SharedArrayBuffer(4));
  private readonly chunk = Buffer.alloc(65536);
  private input = -1;
  private output = -1;
  private received = '';
  private failure: QtestError | undefined;

  /** Waits for QEMU to open its ends. Throws `QtestError`. */
  constructor(path: string, timeout: number) {
    this.path = path;
    this.timeout = timeout;
    this.guarded(() => {
      this.output = openFifo(`${path}.out`, O_RDONLY);
      this.await('QEMU does not open its end', () => {
        this.input = this.openInput();
        return this.input >= 0 || undefined;
      });
    });
  }

  /** Sends a line, without its line feed. */
  send(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    this.guarded(() => {
      // Up to PIPE_BUF bytes go whole or not at all.
      for (let sent = 0; sent < bytes.length; ) {
        sent += this.await(`${shown(line)} is not read`, () =>
          retried(() => writeSync(this.input, bytes, sent)),
        );
      }
    });
  }

  /** The next line, without its line feed; `question` is what it answers. */
  receive(question: string): string {
    return this.guarded(() =>
      this.await(`no answer to ${shown(question)}`, () => {
        const end = this.received.indexOf('\n');
        if (end < 0) {
          this.fetch();
          return undefined;
        }
        const line = this.received.slice(0, end);
        this.received = this.received.slice(end + 1);
        return line;
      }),
    );
  }

  close(): void {
    this.fail(new QtestError(`${this.path}: closed`));
  }

  private fetch(): void {
    const length = retried(() => readSync(this.output, this.chunk, 0, this.chunk.length, null));
    if (length === undefined) return;
    this.received += this.chunk.toString('latin1', 0, length);
    // Nobody has it open for writing: QEMU opens `PATH.in` first, and closes both when it ends.
    if (length > 0) return;
    const input = this.openInput();
    if (input < 0) throw new QtestError(`${this.path}: QEMU has ended`);
    closeSync(input);
  }

  /** -1: nobody reads it. */
  private openInput(): number {
    try {
      return openFifo(`${this.path}.in`, O_WRONLY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') return -1;
      throw error;
    }
  }

  /** What `attempt` gives, once it gives something. */
  private await<Result>(complaint: string, attempt: () => Result | undefined): Result {
    const start = performance.now();
    for (;;) {
      const result = attempt();
      if (result !== undefined) return result;
      const waited = performance.now() - start;
      if (waited > this.timeout) throw new QtestError(`${this.path}: ${complaint} within ${this.timeout} ms`);
      if (waited > BUSY) Atomics.wait(this.pause, 0, 0, PAUSE);
    }
  }

  private guarded<Result>(work: () => Result): Result {
    if (this.failure) throw this.failure;
    try {
      return work();
    } catch (error) {
      throw this.fail(error instanceof QtestError ? error : this.explained(error));
    }
  }

  private explained(error: unknown): QtestError {
    const ended = (error as NodeJS.ErrnoException).code === 'EPIPE';
    const what = ended ? 'QEMU has ended' : (error as Error).message;
    return new QtestError(`${this.path}: ${what}`, { cause: error });
  }

  private fail(error: QtestError): QtestError {
    if (this.failure) return this.failure;
    this.failure = error;
    for (const descriptor of [this.input, this.output]) if (descriptor >= 0) closeSync(descriptor);
    return error;
  }
}

/** Without O_NONBLOCK this would wait for the other end. */
function openFifo(path: string, flags: number): number {
  const descriptor = openSync(path, flags | O_NONBLOCK);
  if (fstatSync(descriptor).isFIFO()) return descriptor;
  closeSync(descriptor);
  throw new QtestError(`${path} is no FIFO`);
}

/** Undefined: not now. */
function retried(call: () => number): number | undefined {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

const shown = (line: string): string => JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}...` : line);
