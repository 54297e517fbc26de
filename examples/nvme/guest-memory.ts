import { ADDRESS_LIMIT } from 'trapline';

/** The guest's RAM as a device reaches it. False: some of the bytes are not RAM; then none is written. */
export interface GuestMemory {
  read(address: number, into: Uint8Array): boolean;
  write(address: number, from: Uint8Array): boolean;
}

/** Guest RAM while the guest lets the function be bus master (COMMAND, bit 2), and none while not. */
export class Dma implements GuestMemory {
  private readonly memory: GuestMemory;
  private readonly busMaster: () => boolean;

  constructor(memory: GuestMemory, busMaster: () => boolean) {
    this.memory = memory;
    this.busMaster = busMaster;
  }

  read(address: number, into: Uint8Array): boolean {
    return this.reaches(address, into) && this.memory.read(address, into);
  }

  write(address: number, from: Uint8Array): boolean {
    return this.reaches(address, from) && this.memory.write(address, from);
  }

  /** Above 2^52 a guest has no memory, and a number is not exact for long. */
  private reaches(address: number, { length }: Uint8Array): boolean {
    return address + length <= ADDRESS_LIMIT && this.busMaster();
  }
}
