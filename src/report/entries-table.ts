import { digits } from '../hexadecimal.js';
import { FUNCTION_MASK, MSIX_ENABLE } from '../pci/msix-capability.js';
import { formatSbdf } from '../sbdf.js';
import type { ReplayedFunction } from '../trace/replayed-function.js';
import { escapeHtml, table } from './html.js';
import { many } from './numbers.js';

const word = (value: number): string => digits(value, 8);

/** The MSI-X table of a function as the trace left it; entries as after a reset are only counted. */
export function entriesTable(fn: ReplayedFunction): string {
  const { msix, trapped } = fn;
  if (!msix) return '';
  const entries = Array.from({ length: msix.count }, (_, index) => trapped.vector(index));
  const used = entries.filter(
    ({ addressLow, addressHigh, data, masked, armed }) =>
      addressLow || addressHigh || data || !masked || armed,
  );
  const control = trapped.messageControl;
  const state = `${control & MSIX_ENABLE ? 'enabled' : 'disabled'}${control & FUNCTION_MASK ? ', function masked' : ''}`;
  const rest = msix.count - used.length;
  const rows = used.map(({ index, addressLow, addressHigh, data, masked, updated, armed }) => [
    String(index),
    `${word(addressHigh)} ${word(addressLow)}`,
    word(data),
    masked ? 'masked' : 'open',
    armed ? 'armed' : '',
    updated ? 'changed since armed' : '',
  ]);
  return (
    `<details${used.length > 0 && used.length <= 16 ? ' open' : ''}><summary><b>${formatSbdf(fn.sbdf)}</b> ${escapeHtml(fn.name)}` +
    `<span class="note"> ${many(msix.count, 'entry', 'entries')}, MSI-X ${state}</span></summary>` +
    (rows.length > 0 ? table(['entry', 'address', 'data', 'mask', 'delivery', ''], rows, [0]) : '') +
    (rest > 0
      ? `<p class="note">${many(rest, 'entry', 'entries')} as after a reset: zero, masked.</p>`
      : '') +
    '</details>'
  );
}
