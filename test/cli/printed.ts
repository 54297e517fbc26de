import { afterEach, beforeEach, vi } from 'vitest';

/** What a command wrote to standard output, from the start of each test or since `clear`. */
export const printed = {
  text: '',
  clear() {
    this.text = '';
  },
};

/** Catches it in every test of the file. */
export function catchPrinted(): void {
  beforeEach(() => {
    printed.clear();
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed.text += text;
      return true;
    });
  });
  afterEach(() => vi.restoreAllMocks());
}
