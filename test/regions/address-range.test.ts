import { expect, it } from 'vitest';
import * as access from '../../src/access.js';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../../src/regions/address-range.js';

it('its constants are those of accesses', () => {
  expect([ADDRESS_LIMIT, PAGE_SIZE]).toEqual([access.ADDRESS_LIMIT, access.PAGE_SIZE]);
});
