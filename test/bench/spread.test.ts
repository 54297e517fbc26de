import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spread } from '../../bench/spread.js';

describe('spread', () => {
  it('leaves places that are apart', () => {
    expect(spread([10, 60, 30], 15, 0, 100)).toEqual([10, 60, 30]);
  });

  it('moves those that are too near down, in their order', () => {
    expect(spread([20, 22, 21], 10, 0, 100)).toEqual([20, 40, 30]);
  });

  it('moves up again where there is no room below', () => {
    expect(spread([95, 100, 50], 10, 0, 100)).toEqual([90, 100, 50]);
  });

  it('moves up no more than needed', () => {
    expect(spread([10, 99, 98], 10, 0, 100)).toEqual([10, 100, 90]);
  });

  it('keeps equal places in the order of the list', () => {
    expect(spread([5, 5, 5], 1, 0, 10)).toEqual([5, 6, 7]);
  });

  it('has nothing to do for none', () => {
    expect(spread([], 10, 0, 100)).toEqual([]);
  });

  it('keeps the gap, the order and the limits wherever there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 20 }), (places) => {
        const moved = spread(places, 10, 0, 200);
        const order = places.map((_, index) => index).sort((one, other) => places[one] - places[other]);
        const sorted = order.map((index) => moved[index]);
        sorted.slice(1).forEach((place, index) => {
          expect(place - sorted[index]).toBeGreaterThanOrEqual(10);
        });
        for (const place of moved) {
          expect(place).toBeGreaterThanOrEqual(0);
          expect(place).toBeLessThanOrEqual(200);
        }
      }),
    );
  });
});
