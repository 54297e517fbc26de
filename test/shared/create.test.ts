import { afterEach, expect, it, vi } from 'vitest';
import { createDispatcher } from '../../src/dispatcher.js';
import { TraplineError } from '../../src/errors.js';
import { createDispatcher as createShared } from '../../src/shared.js';

const host = { mapPage: () => null };

afterEach(() => {
  vi.unstubAllGlobals();
});

function faultOf(create: () => unknown): TraplineError {
  try {
    create();
  } catch (error) {
    if (error instanceof TraplineError) return error;
  }
  throw new Error('nothing was thrown');
}

it('without SharedArrayBuffer is refused', () => {
  vi.stubGlobal('SharedArrayBuffer', undefined);
  const fault = faultOf(() => createShared({ host, shared: true }));
  expect(fault.code).toBe('no-threads');
  expect(fault.message).toContain('SharedArrayBuffer');
});

it('on a thread that may not wait is refused', () => {
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  try {
    const fault = faultOf(() => createShared({ host, shared: true }));
    expect(fault.code).toBe('no-threads');
    expect(fault.message).toContain("a browser's main thread");
  } finally {
    vi.restoreAllMocks();
  }
});

it('is not what the main entry makes', () => {
  const options = { host, shared: true } as unknown as Parameters<typeof createDispatcher>[0];
  const fault = faultOf(() => createDispatcher(options));
  expect(fault.code).toBe('bad-argument');
  expect(fault.message).toContain('trapline/shared');
});

it('is asked for by shared true only', () => {
  const options = { host, shared: false } as unknown as Parameters<typeof createShared>[0];
  expect(faultOf(() => createShared(options)).code).toBe('bad-argument');
});

it('takes its own module only', () => {
  const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  expect(faultOf(() => createShared({ host, shared: true, module })).code).toBe('bad-module');
});

it('has its memory shared, and doors for another module without the locks', () => {
  const { memory, ...doors } = createShared({ host, shared: true }).attach();
  expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(Object.keys(doors).sort()).toEqual(Object.keys(withoutMemory()).sort());
});

function withoutMemory(): object {
  const { memory, ...doors } = createDispatcher({ host }).attach();
  return doors;
}
