import { expect, it } from 'vitest';
import { matches, parseFilter } from '../../../src/inspect/page/log-filter.js';

it.each([
  ['', [], []],
  ['  ', [], []],
  ['read', ['read'], []],
  ['Read 00:08.0', ['read', '00:08.0'], []],
  ['"vector control" write', ['vector control', 'write'], []],
  ['-pba', [], ['pba']],
  ['-"pending bits" read', ['read'], ['pending bits']],
  ['"not ended', ['not ended'], []],
  ['a-b', ['a-b'], []],
  ['-', ['-'], []],
  ['""', [], []],
])('%j', (text, present, absent) => {
  expect(parseFilter(text)).toEqual({ with: present, without: absent });
});

it.each([
  ['', true],
  ['READ', true],
  ['read bar0', true],
  ['read bar1', false],
  ['"0 pending"', true],
  ['"pending 0"', false],
  ['-bar1', true],
  ['read -pending', false],
])('%j: %j', (filter, expected) => {
  expect(matches(parseFilter(filter), 'Read BAR0 pending')).toBe(expected);
});
