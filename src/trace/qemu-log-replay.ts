import { PAGE_SIZE, type Width } from '../access.js';
import { hex } from '../hexadecimal.js';
import type { InventoryFunction } from '../inventory/machine.js';
import { formatSbdf, type Sbdf } from '../sbdf.js';
import { LoggedConfig } from './logged-config.js';
import type { LoggedFunction, QemuLogSink } from './qemu-log.js';
import type { Replay } from './replay.js';
import type { ReplayedBar } from './replayed-function.js';

const isMemory = (space: LoggedConfig, index: number): boolean =>
  space.fn.bars.some((bar) => bar.index === index);

/** The machine of a QEMU log: functions and BAR sizes from the inventory, everything else as its config writes say. */
export class QemuLogReplay implements QemuLogSink {
  /** Plugin lines without a memory event. */
  elsewhereLines = 0;
  /** Memory events that devices made. */
  deviceEvents = 0;
  private readonly refusals: string[] = [];
  /** Mappings that no config write accounts for, the last of each BAR. */
  private readonly surprises = new Map<string, number>();
  /** Ports looked up, until the next config write. */
  private readonly aliases = new Map<number, number | undefined>();
  private readonly replay: Replay;
  private readonly spaces = new Map<Sbdf, LoggedConfig>();
  private readonly bridges: readonly LoggedConfig[];

  constructor(replay: Replay, inventory: readonly InventoryFunction[]) {
    this.replay = replay;
    for (const listed of inventory) {
      const bars = listed.bars.flatMap(({ index, type, size }) =>
        type === 'io' || size === undefined ? [] : [{ index, type, size }],
      );
      const fn = replay.add(listed.sbdf, listed.name, bars, listed.msix);
      if (fn.refusal) this.refusals.push(`${formatSbdf(listed.sbdf)}: MSI-X left out: ${fn.refusal}`);
      const space = new LoggedConfig(listed, fn);
      this.spaces.set(listed.sbdf, space);
      fn.trapped.writeMessageControl(space.messageControl);
      this.place(space);
    }
    this.bridges = [...this.spaces.values()].filter(({ listed }) => listed.bridge);
  }

  get notes(): string[] {
    const surprises = [...this.surprises].map(
      ([text, address]) => `${text} at ${hex(address)}, which no config write says`,
    );
    return [...this.refusals, ...surprises];
  }

  /** Functions that no config write touched: they are as the inventory says. */
  get assumed(): Sbdf[] {
    return [...this.spaces.values()]
      .filter(({ assumed, fn }) => assumed && fn.bars.length > 0)
      .map(({ fn }) => fn.sbdf);
  }

  access(write: boolean, width: Width, address: number, low: number, high: number, seconds: number): void {
    this.replay.access(write, width, address, low, high, seconds);
  }

  configWrite(logged: LoggedFunction, register: number, value: number): void {
    this.aliases.clear();
    const space = this.find(logged);
    if (!space) return;
    switch (space.write(register, value)) {
      case 'message-control':
        space.fn.trapped.writeMessageControl(space.messageControl);
        break;
      case 'reset':
        this.replay.reset(space.fn);
        return;
      case 'reset-behind':
        for (const other of this.behind(space)) {
          other.reset();
          this.replay.reset(other.fn);
        }
        return;
      case 'perhaps-reset':
        this.replay.mayHaveReset(space.fn);
    }
    this.place(space);
  }

  mapping(logged: LoggedFunction, added: boolean, index: number, address: number, size: number): void {
    this.aliases.clear();
    const space = this.find(logged);
    if (!space) return;
    if (added) this.learn(space, index, size);
    if (space.isVirtual(index)) {
      space.setMapping(index, added ? address : undefined);
      this.place(space);
    } else if (!added && !space.asleep && space.placement().get(index) === address) {
      // QEMU took away what no config write did: the machine was reset.
      space.powerOn();
      this.replay.place(space.fn, space.placement());
      this.replay.reset(space.fn);
    } else if (added && isMemory(space, index) && space.placement().get(index) !== address) {
      this.surprises.set(`${formatSbdf(space.fn.sbdf)}: QEMU mapped BAR ${index}`, address);
    }
  }

  portAlias(port: number, pageOffset: number): number | undefined {
    const key = port * PAGE_SIZE + pageOffset;
    if (!this.aliases.has(key)) this.aliases.set(key, this.findAlias(port, pageOffset));
    return this.aliases.get(key);
  }

  private findAlias(port: number, pageOffset: number): number | undefined {
    for (const space of this.spaces.values()) {
      const range = space.portRange(port);
      if (!range) continue;
      for (const [index, address] of space.placement()) {
        const alias = address + port - range.start;
        const size = space.fn.bars.find((bar) => bar.index === index)?.size;
        if (size === range.size && alias % PAGE_SIZE === pageOffset) return alias;
      }
    }
    return undefined;
  }

  elsewhere(): void {
    this.elsewhereLines++;
  }

  deviceMade(): void {
    this.deviceEvents++;
  }

  /**
   * The function that has this bus number at the moment. A bus is known by its bridge; the inventory has the numbers
   * of the end.
   */
  private find({ bus, devfn }: LoggedFunction): LoggedConfig | undefined {
    const on = (number: number) => this.spaces.get((number << 8) | devfn);
    if (bus === 0) return on(0);
    const bridges = this.bridges.filter(({ secondaryBus }) => secondaryBus === bus);
    for (const { listed } of bridges) {
      const space = listed.bridge && on(listed.bridge.secondary);
      if (space) return space;
    }
    const usual = this.bridges.find(({ listed }) => listed.bridge?.secondary === bus);
    return usual?.secondaryBus === undefined ? on(bus) : undefined;
  }

  private behind({ listed }: LoggedConfig): LoggedConfig[] {
    const { secondary, subordinate } = listed.bridge ?? { secondary: 1, subordinate: 0 };
    return [...this.spaces.values()].filter(
      ({ fn }) => fn.sbdf >> 8 >= secondary && fn.sbdf >> 8 <= subordinate,
    );
  }

  private place(space: LoggedConfig): void {
    if (this.replay.place(space.fn, space.placement()) || space.assumed) return;
    // What the inventory says of functions that were not touched yet gives way.
    for (const other of this.spaces.values()) {
      if (other.assumed && other !== space) this.replay.place(other.fn, new Map());
    }
  }

  /** A BAR whose size the inventory does not show. */
  private learn(space: LoggedConfig, index: number, size: number): void {
    const bar = space.listed.bars.find((listed) => listed.index === index);
    if (
      !bar ||
      bar.type === 'io' ||
      bar.size !== undefined ||
      space.fn.bars.some((known) => known.index === index)
    ) {
      return;
    }
    space.fn.bars.push({ index, type: bar.type, size } satisfies ReplayedBar);
    this.replay.reset(space.fn);
    space.fn.trapped.writeMessageControl(space.messageControl);
    this.place(space);
  }
}
