import type { Width } from '../access.js';
import type { Host } from '../host.js';
import { readView, writeView } from '../memory/mapped-page.js';
import type { Sbdf } from '../sbdf.js';
import { type Errno, errno } from './errno.js';

/** I/O ports behind a host. They know no 8-byte access. */
export class Ports {
  private readonly sbdf: Sbdf;
  private readonly host: Host;

  constructor(sbdf: Sbdf, host: Host) {
    this.sbdf = sbdf;
    this.host = host;
  }

  load(port: number, width: Width, into: DataView, index: number): 0 | Errno {
    if (!this.host.readPort) return errno.ENOMEM;
    writeView(into, index, width, this.host.readPort(port, width as 1 | 2 | 4, this.sbdf));
    return 0;
  }

  store(port: number, width: Width, from: DataView, index: number): 0 | Errno {
    if (!this.host.writePort) return errno.ENOMEM;
    const value = readView(from, index, width) >>> 0;
    this.host.writePort(port, width as 1 | 2 | 4, value, this.sbdf);
    return 0;
  }
}
