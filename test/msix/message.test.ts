import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../src/msix/message.js';

const message = (addressLow: number, data: number, addressHigh = 0) => ({ addressLow, addressHigh, data });

describe('decodeMessage', () => {
  it('reads what Linux writes for CPU 3, vector 0x41', () => {
    expect(decodeMessage(message(0xfee03000, 0x4041))).toEqual({
      format: 'interrupt',
      destination: 3,
      extendedDestination: 3,
      destinationMode: 'physical',
      redirectionHint: false,
      vector: 0x41,
      deliveryMode: 'fixed',
      trigger: 'edge',
      level: 'assert',
    });
  });

  it.each([
    [0xfee00000, { destination: 0, destinationMode: 'physical', redirectionHint: false }],
    [0xfee00004, { destination: 0, destinationMode: 'logical', redirectionHint: false }],
    [0xfee00008, { destination: 0, destinationMode: 'physical', redirectionHint: true }],
    [0xfeeff00c, { destination: 0xff, destinationMode: 'logical', redirectionHint: true }],
    [0xfee80000, { destination: 0x80, extendedDestination: 0x80 }],
    [0xfee00020, { destination: 0, extendedDestination: 0x100 }],
    [0xfee00800, { destination: 0, extendedDestination: 0x4000 }],
    [0xfeefffe3, { destination: 0xff, extendedDestination: 0x7fff, destinationMode: 'physical' }],
  ])('takes the address %s apart', (address, fields) => {
    expect(decodeMessage(message(address, 0))).toMatchObject({ format: 'interrupt', ...fields });
  });

  it.each([
    ['fixed', 0x0ff],
    ['lowest-priority', 0x1ff],
    ['smi', 0x2ff],
    ['reserved', 0x3ff],
    ['nmi', 0x4ff],
    ['init', 0x5ff],
    ['reserved', 0x6ff],
    ['extint', 0x7ff],
  ])('names delivery mode %s', (deliveryMode, data) => {
    expect(decodeMessage(message(0xfee00000, data))).toMatchObject({ deliveryMode, vector: 0xff });
  });

  it.each([
    [0x0000, 'edge', 'deassert'],
    [0x4000, 'edge', 'assert'],
    [0x8000, 'level', 'deassert'],
    [0xffffc000, 'level', 'assert'],
  ])('reads trigger and level of %s', (data, trigger, level) => {
    expect(decodeMessage(message(0xfee00000, data))).toMatchObject({
      trigger,
      level,
      vector: 0,
      deliveryMode: 'fixed',
    });
  });

  it.each([
    [0xfee00010, 0x1234, { handle: 0, subhandle: undefined }],
    [0xfee00018, 0xabcd1234, { handle: 0, subhandle: 0x1234 }],
    [0xfee00014, 0, { handle: 0x8000, subhandle: undefined }],
    [0xfeefffff, 1, { handle: 0xffff, subhandle: 1 }],
    [0xfee00030, 0, { handle: 1, subhandle: undefined }],
  ])('reads the remappable format at %s', (address, data, fields) => {
    expect(decodeMessage(message(address, data))).toEqual({ format: 'remappable', ...fields });
  });

  it.each([
    [0xfedfffff, 0],
    [0xfef00000, 0],
    [0, 0],
    [0x7ee00000, 0],
    [0xfee00000, 1],
    [0xfee00000, 0x80000000],
  ])('leaves %s, high lane %s, alone: a memory write', (addressLow, addressHigh) => {
    expect(decodeMessage({ addressLow, addressHigh, data: 0x41 })).toBeUndefined();
  });
});
