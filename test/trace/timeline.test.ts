import { describe, expect, it } from 'vitest';
import { Timeline } from '../../src/trace/timeline.js';

const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0);

describe('Timeline', () => {
  it('keeps every access, however long the trace runs', () => {
    const timeline = new Timeline(2);
    for (let second = 0; second < 1000; second++) timeline.add(second % 2, 1_000_000 + second);
    expect(timeline.series.map(sum)).toEqual([500, 500]);
    expect(timeline.step * timeline.length).toBeGreaterThan(999);
    expect(timeline.length).toBeGreaterThan(Timeline.STEPS / 4);
    expect(timeline.length).toBeLessThanOrEqual(Timeline.STEPS);
  });

  it('starts at the first access, and bears clocks that step back', () => {
    const timeline = new Timeline(1);
    timeline.add(0, 50);
    timeline.add(0, 49.99);
    expect(timeline.length).toBe(1);
    expect(timeline.series[0][0]).toBe(2);
  });
});
