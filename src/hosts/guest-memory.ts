/** The guest's RAM as devices reach it. False: some of the bytes are not RAM; then none is read or written. */
export interface GuestMemory {
  read(address: number, into: Uint8Array): boolean;
  write(address: number, from: Uint8Array): boolean;
}
