import type { Bar, GuestMapping, Host, HostPage } from '../host.js';
import type { Sbdf } from '../sbdf.js';
import type { DeviceModel } from './device-model.js';

/** Methods that say something by being absent. */
type Ports = 'readPort' | 'writePort';

/**
 * The host as a function without hardware sees it. The guest's memory, the pages of the model's registers and its ports
 * are the embedder's; calls that would reach a physical function of the same name end here.
 */
export class SoftwareHost implements Host, Required<Omit<Host, Ports>> {
  readonly readPort: Host['readPort'];
  readonly writePort: Host['writePort'];
  private readonly host: Host;
  private readonly model: DeviceModel;

  constructor(host: Host, model: DeviceModel) {
    this.host = host;
    this.model = model;
    this.readPort = host.readPort?.bind(host);
    this.writePort = host.writePort?.bind(host);
  }

  mapPage(address: number, sbdf: Sbdf): HostPage | null {
    return this.host.mapPage(address, sbdf);
  }

  unmapPage(address: number, sbdf: Sbdf): void {
    this.host.unmapPage?.(address, sbdf);
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
  moveBar(): void {}
  armVector(): void {}
  disarmVector(): void {}
  maskVector(): void {}
}
