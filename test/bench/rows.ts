import type { Kept } from '../../bench/baseline.js';
import type { Measured, Measurement } from '../../bench/rounds.js';
import type { Key, Row } from '../../bench/row.js';

export const measured = (key: Partial<Key>, ns: number, samples = 10, dropped = 0): Measured => ({
  ...{ subject: 'trapline', door: 'js', access: 'table-read' },
  ...key,
  ...{ ns, samples, dropped },
});

/** A process that also measured the floors: 3 ns and 5 ns from JavaScript, 2 ns and 4 ns from wasm. */
export const processOf = (rows: readonly Measured[], canary = 1, floor = 1): Measurement => ({
  canary,
  measured: [
    measured({ subject: 'floor', access: 'read' }, 3 * floor),
    measured({ subject: 'floor', access: 'write' }, 5 * floor),
    measured({ subject: 'floor', access: 'read', door: 'wasm' }, 2 * floor),
    measured({ subject: 'floor', access: 'write', door: 'wasm' }, 4 * floor),
    ...rows,
  ],
});

export const kept = (key: Partial<Row>, [low, ratio, high]: readonly [number, number, number]): Kept => ({
  ...{ subject: 'trapline', door: 'js', access: 'table-read', functions: 64, vectors: 32 },
  ...key,
  ...{ ns: 3 * ratio, ratio, low, high },
});
