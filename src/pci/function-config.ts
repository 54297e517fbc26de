import type { FunctionDescription } from '../function.js';
import type { FunctionBar } from './bar.js';
import { capabilities, PCI_EXPRESS, POWER_MANAGEMENT } from './capabilities.js';
import { ConfigSpace } from './config-space.js';
import type { PciFunction } from './function.js';
import { registerBytes } from './guest-register.js';
import { COMMAND, FIRST_BAR, headerOf, MEMORY, ROM_ENABLE } from './header.js';
import { MESSAGE_CONTROL, withMsix } from './msix-capability.js';
import { registerMasks } from './registers.js';
import {
  D3HOT,
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  FUNCTION_LEVEL_RESET,
  INITIATE_RESET,
  NO_SOFT_RESET,
  PMCSR,
  POWER_STATE,
} from './reset-registers.js';

/** I/O, memory, bus master, special cycles, invalidate, palette, parity, SERR, fast back-to-back, INTx disable. */
const COMMAND_BITS = 0x077f;
/** What of it a PCI Express function implements (PCIe 7.5.1.1.3). */
const EXPRESS_COMMAND_BITS = 0x0547;

/** Makes a function's configuration space: its registers' masks, and what writing COMMAND, BARs, ROM, MSI-X and resets does. */
export function createConfig(fn: PciFunction, description: FunctionDescription): ConfigSpace {
  const image = description.config ?? bareHeader();
  const config = new ConfigSpace(fn.msix ? withMsix(image, fn.msix) : image);
  const lists = capabilities(config.bytes);
  for (const masks of registerMasks(config.bytes, lists)) config.mask(masks);
  const at = (id: number) => lists.standard.find((capability) => capability.id === id)?.offset;

  handleCommand(config, fn, at(PCI_EXPRESS) === undefined ? COMMAND_BITS : EXPRESS_COMMAND_BITS);
  const header = headerOf(config.bytes);
  for (let index = 0; index < header.bars; index++) {
    const bar = fn.bars.find((candidate) => candidate.index === index);
    const lower = fn.bars.find((candidate) => candidate.index === index - 1 && candidate.type === 'mem64');
    handleBar(config, fn, FIRST_BAR + 4 * index, bar ?? lower, bar === undefined);
  }
  const rom = fn.bars.find((bar) => bar.type === 'rom');
  if (header.rom > 0) handleRom(config, fn, header.rom, rom);
  if (fn.msix?.capability !== undefined) handleMsix(config, fn, fn.msix.capability);
  const express = at(PCI_EXPRESS);
  if (express !== undefined) handleDeviceControl(config, fn, express);
  const power = at(POWER_MANAGEMENT);
  if (power !== undefined) handlePower(config, fn, power);
  for (const register of description.registers ?? []) {
    if (register.space === 'config') config.give(registerBytes(register), register.writable ?? false);
  }
  return config;
}

/** 256 bytes with nothing in them: no vendor, no capability. */
function bareHeader(): Uint8Array {
  const image = new Uint8Array(256);
  image.fill(0xff, 0, 4);
  return image;
}

function handleCommand(config: ConfigSpace, fn: PciFunction, bits: number): void {
  fn.commandBits = bits & ~MEMORY;
  fn.command = config.stored(COMMAND, 2) & fn.commandBits;
  const read = () => fn.command | (fn.decoding && !fn.virtual ? MEMORY : 0);
  config.handle({
    offset: COMMAND,
    width: 2,
    read,
    write(value) {
      fn.writeCommand(value & bits);
      return read();
    },
  });
}

function handleBar(
  config: ConfigSpace,
  fn: PciFunction,
  offset: number,
  bar: FunctionBar | undefined,
  upper: boolean,
): void {
  // A BAR that is not implemented is hardwired to zero, and so are a virtual function's (SR-IOV 3.4.1.11).
  const register = bar && !fn.virtual ? bar : undefined;
  const read = () => (upper ? register?.highRegister : register?.lowRegister) ?? 0;
  config.handle({
    offset,
    width: 4,
    read,
    write(value) {
      if (register) fn.writeBarRegister(register, value, upper);
      return read();
    },
  });
}

/** Enable bit and address: it moves only while it is off, and what enables it counts only with memory decoding on. */
function handleRom(config: ConfigSpace, fn: PciFunction, offset: number, rom: FunctionBar | undefined): void {
  const read = () => rom?.lowRegister ?? 0;
  config.handle({
    offset,
    width: 4,
    read,
    write(value) {
      if (rom) fn.writeRomRegister(rom, value, (value & ROM_ENABLE) !== 0);
      return read();
    },
  });
}

function handleMsix(config: ConfigSpace, fn: PciFunction, capability: number): void {
  config.handle({
    offset: capability + MESSAGE_CONTROL,
    width: 2,
    read: () => fn.messageControl,
    write(value) {
      fn.writeMessageControl(value);
      return fn.messageControl;
    },
  });
}

function handleDeviceControl(config: ConfigSpace, fn: PciFunction, capability: number): void {
  if (!(config.stored(capability + DEVICE_CAPABILITIES, 4) & FUNCTION_LEVEL_RESET)) return;
  config.handle({
    offset: capability + DEVICE_CONTROL,
    width: 2,
    write(value) {
      if (!(value & INITIATE_RESET)) return value;
      fn.reset();
      return 0;
    },
  });
}

function handlePower(config: ConfigSpace, fn: PciFunction, capability: number): void {
  config.handle({
    offset: capability + PMCSR,
    width: 2,
    write(value, written, stored) {
      const cleared = stored & ~(value & written & 0x8000);
      const next = (cleared & ~0x0103) | (value & 0x0103);
      if ((stored & POWER_STATE) !== D3HOT || (next & POWER_STATE) !== 0 || stored & NO_SOFT_RESET)
        return next;
      fn.reset();
      return next & ~POWER_STATE;
    },
  });
}
