import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { policies } from '../src/policy.js';

/** Cells of the rows that name a field of Policy. */
const rows = [
  ...readFileSync('docs/policies.md', 'utf8').matchAll(/^\|[^|]*\| `([a-z]\w*)` \|(.*)\|$/gm),
].map(([, field, cells]) => [field, ...cells.split('|').map((cell) => cell.trim())]);

it('docs/policies.md says what the policies are, each field once', () => {
  const { name, ...fields } = policies.strict;
  const known = Object.keys(fields).map((field) => [
    field,
    ...['strict', 'xen', 'xenV3'].map((policy) =>
      String(Reflect.get(Reflect.get(policies, policy) as object, field)),
    ),
  ]);
  expect(rows.sort()).toEqual(known.sort());
});
