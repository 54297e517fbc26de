import type { V86 } from 'v86';

const RECORD_SEPARATOR = '\x1e';
const LINE_FEED = 0x0a;
/** What a line printed ends so, with its exit status (`init.sh`). */
const END = new RegExp(`${RECORD_SEPARATOR}(\\d+)\\n`);

/** The guest's shell, on its first serial port. */
export class SerialConsole {
  private readonly emulator: V86;
  private readonly deadline: number;
  private received = '';
  private ended: () => void = () => {};

  /** No wait ends after `deadline`, in the time of `performance.now()`. */
  constructor(emulator: V86, deadline: number) {
    this.emulator = emulator;
    this.deadline = deadline;
    emulator.add_listener('serial0-output-byte', (byte) => {
      this.received += String.fromCharCode(byte);
      if (byte === LINE_FEED && END.test(this.received)) this.ended();
    });
  }

  /** What a line prints. Throws when its exit status is not 0. */
  run(line: string): Promise<string> {
    this.start(line);
    return this.finish();
  }

  /** Sends a line and does not wait. */
  start(line: string): void {
    this.emulator.serial0_send(`${line}\n`);
  }

  /** What the line that is running prints; at first, the boot. */
  async finish(): Promise<string> {
    if (!END.test(this.received)) await this.end();
    const { 0: end, 1: status, index } = END.exec(this.received) as RegExpExecArray;
    const output = this.received.slice(0, index);
    this.received = this.received.slice(index + end.length);
    if (status !== '0') throw new Error(`the guest ended with exit status ${status}: ${output}`);
    return output;
  }

  private end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the guest did not end: ${this.received.slice(-2000)}`));
      const timer = setTimeout(fail, this.deadline - performance.now());
      this.ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
