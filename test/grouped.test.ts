import { expect, test } from 'vitest';
import { grouped } from '../src/grouped.js';

test('groups stand in the order of their first items, items in their own; those without a key are left out', () => {
  const words = ['pba', 'bir', 'table', 'bar', '', 'page'];
  expect([...grouped(words, (word) => word[0])]).toEqual([
    ['p', ['pba', 'page']],
    ['b', ['bir', 'bar']],
    ['t', ['table']],
  ]);
});

test('0 and the empty string are keys like others', () => {
  expect([...grouped([0, 1, 2], (number) => number % 2).keys()]).toEqual([0, 1]);
  expect([...grouped(['a'], () => '')]).toEqual([['', ['a']]]);
});
