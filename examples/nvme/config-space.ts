/** The id that made-up devices use; nobody sells it. */
export const VENDOR = 0x1234;
const DEVICE = 0x4e56;
/** Mass storage, non-volatile memory, NVM Express. */
const CLASS = 0x010802;
const EXPRESS = 0x40;
export const MSIX = 0x80;
const POWER = 0xc0;

/**
 * Configuration space as a driver wants it: class, bus mastering, and the capabilities that NVMe 1.4, 2.3 to 2.5, ask
 * for. Trapline puts MSI-X into the list itself.
 */
export function configSpace(): Uint8Array {
  const image = new Uint8Array(256);
  const view = new DataView(image.buffer);
  view.setUint16(0x00, VENDOR, true);
  view.setUint16(0x02, DEVICE, true);
  view.setUint16(0x06, 0x0010, true); // Status: there is a capability list
  view.setUint32(0x08, CLASS << 8, true);
  view.setUint16(0x2c, VENDOR, true);
  view.setUint16(0x2e, DEVICE, true);
  image[0x34] = EXPRESS;
  // PCI Express, version 2, integrated into the root complex; device capabilities: function-level reset.
  image.set([0x10, POWER, 0x92, 0x00], EXPRESS);
  view.setUint32(EXPRESS + 4, (1 << 28) | (1 << 15), true);
  // Power management, version 3; no soft reset.
  image.set([0x01, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x00], POWER);
  return image;
}
