import { PAGE_SIZE } from '../access.js';
import type { Bar, GuestMapping, Host, HostPage } from '../host.js';
import { MappedPage } from '../memory/mapped-page.js';
import type { Sbdf } from '../sbdf.js';
import type { DeviceModel } from './device-model.js';
import { PendingPage } from './pending-page.js';
import type { SoftwareMsix } from './software.js';

/** Methods that say something by being absent. */
type Ports = 'readPort' | 'writePort';

/**
 * The host as a function without hardware sees it. The guest's memory, the pages of the model's registers and its ports
 * are the embedder's; the PBA is not, and calls that would reach a physical function of the same name end here.
 */
export class SoftwareHost implements Host, Required<Omit<Host, Ports>> {
  readonly readPort: Host['readPort'];
  readonly writePort: Host['writePort'];
  private readonly host: Host;
  private readonly model: DeviceModel;
  private readonly msix: SoftwareMsix | undefined;
  /** Host address of the PBA's first byte, as its BAR is now. */
  private readonly pbaAddress: () => number;
  /** The pages handed out that hold PBA bytes. */
  private readonly pendingPages: { readonly address: number; readonly page: PendingPage }[] = [];

  constructor(host: Host, model: DeviceModel, msix: SoftwareMsix | undefined, pbaAddress: () => number) {
    this.host = host;
    this.model = model;
    this.msix = msix;
    this.pbaAddress = pbaAddress;
    this.readPort = host.readPort?.bind(host);
    this.writePort = host.writePort?.bind(host);
  }

  mapPage(address: number, sbdf: Sbdf): HostPage | null {
    const { msix } = this;
    const start = this.pbaAddress() - address;
    if (!msix || start >= PAGE_SIZE || start + msix.pendingBits.bytes.length <= 0) {
      return this.host.mapPage(address, sbdf);
    }
    const page = new PendingPage(msix, start, new MappedPage(0, sbdf, this.host, address, []));
    this.pendingPages.push({ address, page });
    return page;
  }

  unmapPage(address: number, sbdf: Sbdf): void {
    const index = this.pendingPages.findIndex((pending) => pending.address === address);
    if (index < 0) this.host.unmapPage?.(address, sbdf);
    else this.pendingPages.splice(index, 1)[0].page.unmap();
  }

  guestMapping(address: number): GuestMapping {
    return this.host.guestMapping?.(address) ?? 'none';
  }

  removeGuestMapping(address: number): void {
    this.host.removeGuestMapping?.(address);
  }

  mapGuestPages(guest: number, host: number, length: number, sbdf: Sbdf): void {
    this.host.mapGuestPages?.(guest, host, length, sbdf);
  }

  unmapGuestPages(guest: number, length: number, sbdf: Sbdf): void {
    this.host.unmapGuestPages?.(guest, length, sbdf);
  }

  mayMapBar(sbdf: Sbdf, bar: Bar): boolean {
    return this.host.mayMapBar?.(sbdf, bar) ?? true;
  }

  /** The model's own legacy interrupt. */
  disableIntx(sbdf: Sbdf): void {
    this.host.disableIntx?.(sbdf);
  }

  requestRegions(): boolean {
    return true;
  }

  releaseRegions(): void {}

  reset(): boolean {
    this.model.onReset?.();
    return true;
  }

  writeConfig(): void {}
  armVector(): void {}
  disarmVector(): void {}
  maskVector(): void {}
}
