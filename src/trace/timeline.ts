/** Accesses over time in a fixed number of steps: a step doubles when the trace runs longer. */
export class Timeline {
  static readonly STEPS = 512;
  /** By series, by step. */
  readonly series: readonly Float64Array[];
  /** Seconds of a step. */
  step = 1 / 1024;
  private start = Number.NaN;
  private last = 0;

  constructor(series: number) {
    this.series = Array.from({ length: series }, () => new Float64Array(Timeline.STEPS));
  }

  /** Steps in use. */
  get length(): number {
    return this.last + 1;
  }

  add(series: number, seconds: number): void {
    if (Number.isNaN(this.start)) this.start = seconds;
    // Clocks of several CPUs may step back a little.
    let step = Math.max(0, Math.floor((seconds - this.start) / this.step));
    while (step >= Timeline.STEPS) {
      this.double();
      step = Math.floor((seconds - this.start) / this.step);
    }
    if (step > this.last) this.last = step;
    this.series[series][step]++;
  }

  private double(): void {
    this.step *= 2;
    this.last >>= 1;
    for (const counts of this.series) {
      for (let step = 0; step < Timeline.STEPS; step++) {
        counts[step] = step < Timeline.STEPS / 2 ? counts[2 * step] + counts[2 * step + 1] : 0;
      }
    }
  }
}
