import type { Guest } from '../guest.js';
import type { Memory } from '../memory.js';
import type { Driver } from './driver.js';

/** The common configuration (virtio 1.1, 4.1.4.3), and where QEMU has notifications, 4 bytes a queue. */
const DRIVER_FEATURE_SELECT = 0x08;
const DRIVER_FEATURE = 0x0c;
const DEVICE_STATUS = 0x14;
const QUEUE_SELECT = 0x16;
const QUEUE_SIZE = 0x18;
const QUEUE_MSIX_VECTOR = 0x1a;
const QUEUE_ENABLE = 0x1c;
const QUEUE_DESC = 0x20;
const QUEUE_DRIVER = 0x28;
const QUEUE_DEVICE = 0x30;
const NOTIFY = 0x3000;

const TRANSMIT = 1;
const SIZE = 64;
const [ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK] = [1, 2, 4, 8];
/** A header of 12 bytes, and the shortest frame. */
const LENGTH = 72;

/** The transmit queue: a packet to nobody. */
export class VirtioNet implements Driver {
  readonly vector = 3;
  private readonly guest: Guest;
  private readonly registers: number;
  private readonly memory: Memory;
  private readonly available: number;
  private readonly used: number;
  private packets = 0;

  constructor(guest: Guest, registers: number, memory: Memory) {
    this.guest = guest;
    this.registers = registers;
    this.memory = memory;
    const [descriptors, available, used, packet] = [0, 1, 2, 3].map(() => memory.page()) as [
      number,
      number,
      number,
      number,
    ];
    this.available = available;
    this.used = used;
    memory.write(descriptors, Uint32Array.of(packet, 0, LENGTH, 0));
    this.write(DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER);
    // VERSION_1, bit 32, and nothing else.
    this.write(DRIVER_FEATURE_SELECT, 4, 1);
    this.write(DRIVER_FEATURE, 4, 1);
    this.write(DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    this.write(QUEUE_SELECT, 2, TRANSMIT);
    this.write(QUEUE_SIZE, 2, SIZE);
    this.write(QUEUE_MSIX_VECTOR, 2, this.vector);
    for (const [register, address] of [
      [QUEUE_DESC, descriptors],
      [QUEUE_DRIVER, available],
      [QUEUE_DEVICE, used],
    ] as const) {
      this.write(register, 4, address);
      this.write(register + 4, 4, 0);
    }
    this.write(QUEUE_ENABLE, 2, 1);
    this.write(DEVICE_STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
  }

  raise(): void {
    // Every entry of the ring is descriptor 0.
    this.packets++;
    this.memory.write(this.available, Uint32Array.of((this.packets & 0xffff) << 16));
    this.write(NOTIFY + 4 * TRANSMIT, 2, TRANSMIT);
  }

  done(): boolean {
    return this.memory.words(this.used, 1)[0]! >>> 16 === (this.packets & 0xffff);
  }

  private write(register: number, width: 1 | 2 | 4, value: number): void {
    this.guest.dispatcher.write(this.registers + register, width, value);
  }
}
