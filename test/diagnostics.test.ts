import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Diagnostic, type DiagnosticLimit, Diagnostics } from '../src/diagnostics.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function collect(limit: DiagnosticLimit): { diagnostics: Diagnostics; sent: Diagnostic[] } {
  const sent: Diagnostic[] = [];
  return { diagnostics: new Diagnostics((diagnostic) => sent.push(diagnostic), limit), sent };
}

describe('diagnostics', () => {
  it('pass on a burst of one code and function, then count', () => {
    const { diagnostics, sent } = collect({ burst: 2, interval: 1000 });
    for (let index = 0; index < 5; index++) diagnostics.report('bad-size', 8, 0x1000 + index);
    expect(sent.map(({ address }) => address)).toEqual([0x1000, 0x1001]);
    expect(diagnostics.counts['bad-size']).toBe(5);
  });

  it('limit each code and each function on its own', () => {
    const { diagnostics, sent } = collect({ burst: 1, interval: 1000 });
    for (const sbdf of [8, 16, 8]) {
      diagnostics.report('bad-size', sbdf);
      diagnostics.report('unaligned-read', sbdf);
    }
    expect(sent.map(({ code, sbdf }) => `${code} ${sbdf}`)).toEqual([
      'bad-size 8',
      'unaligned-read 8',
      'bad-size 16',
      'unaligned-read 16',
    ]);
  });

  it('say after the interval how many were held back', () => {
    const { diagnostics, sent } = collect({ burst: 1, interval: 1000 });
    for (let index = 0; index < 4; index++) diagnostics.report('bad-size', 8);
    vi.advanceTimersByTime(999);
    diagnostics.report('bad-size', 8);
    vi.advanceTimersByTime(1);
    diagnostics.report('bad-size', 8);
    expect(sent.map(({ suppressed }) => suppressed)).toEqual([0, 4]);
  });

  it('have no limit when it is none', () => {
    const { diagnostics, sent } = collect('none');
    for (let index = 0; index < 1000; index++) diagnostics.report('bad-size', 8);
    expect(sent).toHaveLength(1000);
  });

  it('carry a level', () => {
    const { diagnostics, sent } = collect('none');
    diagnostics.report('unaligned-write', 8);
    diagnostics.report('hole-occupied', 8);
    diagnostics.report('host-error', 8);
    expect(sent.map(({ level }) => level)).toEqual(['debug', 'warning', 'error']);
  });

  it('are counted without a sink', () => {
    const diagnostics = new Diagnostics(undefined, 'none');
    diagnostics.report('overlap', 8);
    expect(diagnostics.counts.overlap).toBe(1);
  });
});
