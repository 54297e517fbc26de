/** The guest's RAM as devices reach it. False: some of the bytes are not RAM; then none is read or written. */
export interface GuestMemory {
  /** Fills `into` from a guest-physical address. */
  read(address: number, into: Uint8Array): boolean;
  /** Puts `from` at a guest-physical address. */
  write(address: number, from: Uint8Array): boolean;
}
