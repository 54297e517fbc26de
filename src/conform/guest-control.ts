import type { AssignedFunction, DecodeResult, TrappedFunction } from '../function.js';
import { COMMAND, FIRST_BAR, headerOfType, MEMORY, ROM_ENABLE } from '../pci/header.js';
import { MESSAGE_CONTROL } from '../pci/msix-capability.js';

const DEFAULT_CAPABILITY = 0x60;

/** What a scenario does to a function, done as a guest does it: by configuration cycles where the engine has them. */
export class GuestControl {
  private readonly fn: TrappedFunction | AssignedFunction;

  constructor(fn: TrappedFunction | AssignedFunction) {
    this.fn = fn;
  }

  /** `okay`, `noop` where decoding was so before, `fail` where the bit does not read back. */
  decode(on: boolean): DecodeResult {
    const { fn } = this;
    if (!('config' in fn)) return fn.setDecode(on);
    const before = fn.decoding;
    fn.config.write(COMMAND, 2, on ? MEMORY : 0);
    if (((fn.config.read(COMMAND, 2) & MEMORY) !== 0) !== on) return 'fail';
    return before === on ? 'noop' : 'okay';
  }

  /** False: refused, the BAR is enabled. */
  moveBar(index: number, address: number): boolean {
    const { fn } = this;
    if (!('config' in fn)) return fn.moveBar(index, address);
    const bar = fn.bars.find((candidate) => candidate.index === index);
    const offset = index === 6 ? headerOfType(0).rom : FIRST_BAR + 4 * index;
    // The ROM's enable bit stays.
    const flags = index === 6 ? fn.config.read(offset, 4) & ROM_ENABLE : 0;
    fn.config.write(offset, 4, (address % 2 ** 32) + flags);
    if (bar?.type === 'mem64') fn.config.write(offset + 4, 4, Math.floor(address / 2 ** 32));
    return bar?.enabled === false;
  }

  /** False: the hardware was not reset. */
  reset(): boolean {
    return 'reset' in this.fn && this.fn.reset();
  }

  /** Returns Message Control as it reads back. */
  control(value: number): number {
    const { fn } = this;
    if ('config' in fn) fn.config.write(this.messageControlOffset, 2, value);
    else fn.writeMessageControl(value);
    return this.readControl();
  }

  readControl(): number {
    const { fn } = this;
    return 'config' in fn ? fn.config.read(this.messageControlOffset, 2) : fn.messageControl;
  }

  private get messageControlOffset(): number {
    return (this.fn.msix?.capability ?? DEFAULT_CAPABILITY) + MESSAGE_CONTROL;
  }
}
