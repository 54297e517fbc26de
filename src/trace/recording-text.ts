import { line } from './recording-lines.js';

/** Takes text in order, whole lines at a time. */
export type TextSink = (text: string) => unknown;

/** Lines that are handed on together. */
const BATCH = 512;

/** Collects lines for a sink, whose errors reach nobody but `onError`. */
export class RecordingText {
  private readonly sink: TextSink;
  private readonly clock: () => number;
  private readonly onError: (error: unknown) => void;
  private lines: string[] = [];
  private lost = 0;
  private now = 0;

  constructor(sink: TextSink, clock: () => number, onError: (error: unknown) => void) {
    this.sink = sink;
    this.clock = clock;
    this.onError = onError;
  }

  /** Seconds with six decimals. Where the clock fails, the time before. */
  get time(): string {
    try {
      const now = this.clock();
      if (now >= 0 && now < Number.MAX_SAFE_INTEGER / 1e3) this.now = now;
    } catch (error) {
      this.report(error);
    }
    const micros = Math.floor(this.now * 1e3);
    return `${Math.floor(micros / 1e6)}.${`${micros % 1e6}`.padStart(6, '0')}`;
  }

  add(text: string): void {
    this.lines.push(text);
    if (this.lines.length >= BATCH) this.flush();
  }

  /** What the sink did not take is lost, and the text says so. */
  flush(): void {
    const { lines } = this;
    if (lines.length === 0) return;
    this.lines = [];
    const before = this.lost > 0 ? line.lost(this.lost) : '';
    try {
      const result = this.sink(before + lines.join(''));
      this.lost = 0;
      if (result instanceof Promise) result.catch((error) => this.report(error));
    } catch (error) {
      this.lost += lines.length;
      this.report(error);
    }
  }

  private report(error: unknown): void {
    try {
      this.onError(error);
    } catch {
      // An access may be under way.
    }
  }
}
