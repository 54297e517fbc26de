import { PAGE_SIZE } from '../src/access.js';
import { RecordingHost } from './recording-host.js';

/** Knows which guest pages map directly to which host pages. */
export class MappingHost extends RecordingHost {
  readonly direct = new Map<number, number>();

  mapGuestPages(guest: number, host: number, length: number): void {
    for (let at = 0; at < length; at += PAGE_SIZE) this.direct.set(guest + at, host + at);
  }

  unmapGuestPages(guest: number, length: number): void {
    for (let at = 0; at < length; at += PAGE_SIZE) this.direct.delete(guest + at);
  }
}
