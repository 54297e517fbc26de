import type { Interrupts, PageHandler } from 'trapline';
import { AdminCommands } from './admin-commands.js';
import {
  AsyncEvents,
  type AsyncEventsState,
  INVALID_DOORBELL,
  INVALID_DOORBELL_VALUE,
} from './async-events.js';
import { COMMAND_SIZE, Command } from './command.js';
import { Features, type FeaturesState } from './features.js';
import type { GuestMemory } from './guest-memory.js';
import { IoCommands } from './io-commands.js';
import { LogPages, type LogPagesState } from './log-pages.js';
import { Namespace, type NamespaceState } from './namespace.js';
import { COMPLETION_SIZE, type CompletionQueue, type SubmissionQueue } from './queue.js';
import { Queues, type QueuesState } from './queues.js';
import { Registers, type RegistersState } from './registers.js';
import { stateFaults } from './state-faults.js';
import { Failed, status } from './status.js';
import type { Storage } from './storage.js';

export interface ControllerOptions {
  readonly memory: GuestMemory;
  readonly storage: Storage;
  readonly interrupts: () => Interrupts;
  /** MSI-X vectors. */
  readonly vectors: number;
  readonly serial: string;
  /** Told what memory and storage threw. */
  readonly onError: (error: unknown) => void;
}

/** A controller between two accesses: plain data, of which JSON keeps all. */
export interface ControllerState {
  readonly version: 1;
  readonly serial: string;
  readonly registers: RegistersState;
  readonly queues: QueuesState;
  readonly features: FeaturesState;
  readonly events: AsyncEventsState;
  readonly logPages: LogPagesState;
  readonly namespace: NamespaceState;
}

/**
 * An NVMe 1.4 controller: registers, queues and what runs between them. A command is executed whole when its doorbell is
 * rung, so that one write of a doorbell takes at most as many commands as the queue has entries.
 */
export class Controller {
  readonly registers: Registers;
  readonly doorbells: PageHandler;
  private readonly options: ControllerOptions;
  private readonly queues: Queues;
  private readonly features: Features;
  private readonly events = new AsyncEvents();
  private readonly namespace: Namespace;
  private readonly logPages: LogPages;
  private readonly admin: AdminCommands;
  private readonly io: IoCommands;
  /** Accesses that are being answered: memory, storage and `send` may call back. */
  private answering = 0;

  constructor(options: ControllerOptions) {
    const { memory, interrupts, vectors, serial, onError } = options;
    this.options = options;
    this.queues = new Queues(interrupts);
    this.features = new Features(vectors);
    this.namespace = new Namespace(options.storage);
    this.logPages = new LogPages(this.namespace);
    this.registers = new Registers({
      enable: () => this.enable(),
      disable: () => this.disable(),
      shutdown: () => this.answer(() => this.flush()),
    });
    const { queues, features, namespace, logPages, events } = this;
    this.io = new IoCommands({ memory, namespace, features, onError });
    this.admin = new AdminCommands({
      memory,
      namespace,
      queues,
      features,
      logPages,
      events,
      serial,
      vectors,
      entrySizesFit: () => this.registers.entrySizesFit,
      abort: (id) => this.abort(id),
    });
    // Doorbells read 0, and are written by dwords; stride 0 (CAP.DSTRD).
    this.doorbells = {
      read: (_offset, _width, high) => {
        high[0] = 0;
        return 0;
      },
      write: (offset, width, low, high) => {
        if (width < 4) return;
        this.answer(() => {
          this.ring(offset / 4, low);
          if (width === 8) this.ring(offset / 4 + 1, high);
        });
      },
    };
  }

  /** Function-level reset. */
  reset(): void {
    this.disable();
    this.registers.reset();
  }

  save(): ControllerState {
    this.mustBeIdle('save');
    const { registers, queues, features, events, logPages, namespace } = this;
    return {
      version: 1,
      serial: this.options.serial,
      registers: registers.save(),
      queues: queues.save(),
      features: features.save(),
      events: events.save(),
      logPages: logPages.save(),
      namespace: namespace.save(),
    };
  }

  /** What was under way is forgotten, and nothing is executed or sent. */
  restore(value: unknown): void {
    this.mustBeIdle('restore');
    const { serial, vectors, storage } = this.options;
    const faults = stateFaults(value, { serial, vectors, blocks: storage.blocks });
    if (faults.length > 0) throw new TypeError(faults.join('\n'));
    const state = value as ControllerState;
    this.registers.restore(state.registers);
    this.queues.restore(state.queues);
    this.features.restore(state.features);
    this.events.restore(state.events);
    this.logPages.restore(state.logPages);
    this.namespace.restore(state.namespace);
  }

  private answer(work: () => void): void {
    this.answering++;
    try {
      work();
    } finally {
      this.answering--;
    }
  }

  private mustBeIdle(method: string): void {
    if (this.answering > 0) throw new Error(`${method}: the controller is answering an access`);
  }

  private enable(): boolean {
    const { adminSizes, adminSubmissions, adminCompletions } = this.registers;
    const { submissions, completions } = adminSizes;
    if (submissions < 2 || completions < 2) return false;
    const queue = this.queues.addCompletion({ id: 0, address: adminCompletions, size: completions }, 0);
    this.queues.addSubmission({ id: 0, address: adminSubmissions, size: submissions }, queue);
    return true;
  }

  private disable(): void {
    this.queues.clear();
    this.events.reset();
    this.features.reset();
  }

  private flush(): void {
    try {
      this.namespace.flush();
    } catch (error) {
      this.options.onError(error);
    }
  }

  /** Submission queue y's tail is doorbell 2y, completion queue y's head 2y + 1 (NVMe 1.4, 3.1.24). */
  private ring(doorbell: number, data: number): void {
    if (!this.registers.running) return;
    const value = data & 0xffff;
    const submissions = doorbell % 2 === 0 ? this.queues.submission(doorbell / 2) : undefined;
    const completions = doorbell % 2 === 1 ? this.queues.completion((doorbell - 1) / 2) : undefined;
    if (submissions) {
      if (submissions.submit(value)) this.run(submissions);
      else this.events.raise(INVALID_DOORBELL_VALUE);
    } else if (completions) {
      if (completions.consume(value)) {
        for (const queue of this.queues.feeding(completions)) this.run(queue);
      } else this.events.raise(INVALID_DOORBELL_VALUE);
    } else {
      this.events.raise(INVALID_DOORBELL);
    }
    this.tellEvents();
  }

  /** Executes what is submitted, while there is room for completions. */
  private run(queue: SubmissionQueue): void {
    if (queue.running) return;
    queue.running = true;
    let posted = false;
    try {
      while (this.registers.running && queue.length > 0 && !queue.completions.full) {
        if (this.step(queue)) posted = true;
      }
    } finally {
      queue.running = false;
    }
    if (posted) this.interrupt(queue.completions);
  }

  /** One command. False: it has no completion yet. */
  private step(queue: SubmissionQueue): boolean {
    const bytes = new Uint8Array(COMMAND_SIZE);
    const address = queue.take();
    if (!this.attempt(() => this.options.memory.read(address, bytes))) {
      this.registers.fail();
      return false;
    }
    const command = new Command(bytes, queue.id);
    const { failure, result } = this.execute(command);
    if (failure !== status.success) this.logPages.record(command, failure);
    if (result === undefined) return false;
    return this.post(queue.completions, queue, command.id, failure, result);
  }

  private execute(command: Command): { failure: number; result: number | undefined } {
    try {
      command.checkFormat();
      const result = command.queue === 0 ? this.admin.execute(command) : this.io.execute(command);
      return { failure: status.success, result };
    } catch (error) {
      if (error instanceof Failed) return { failure: error.status, result: 0 };
      this.options.onError(error);
      return { failure: status.internalError, result: 0 };
    }
  }

  /** A completion queue entry (NVMe 1.4, 4.6). Where it cannot be written the controller has failed. */
  private post(
    queue: CompletionQueue,
    from: SubmissionQueue,
    id: number,
    failure: number,
    result: number,
  ): boolean {
    const entry = new Uint8Array(COMPLETION_SIZE);
    const view = new DataView(entry.buffer);
    view.setUint32(0, result, true);
    view.setUint16(8, from.head, true);
    view.setUint16(10, from.id, true);
    view.setUint16(12, id, true);
    view.setUint16(14, (failure << 1) | queue.phase, true);
    const address = queue.place();
    if (this.attempt(() => this.options.memory.write(address, entry))) return true;
    this.registers.fail();
    return false;
  }

  private interrupt({ vector }: CompletionQueue): void {
    if (vector !== undefined) this.options.interrupts().raise(vector);
  }

  /** The guest's Abort of a held command: its completion, and then the Abort's own. */
  private abort(id: number): boolean {
    const queue = this.queues.submission(0);
    if (!queue || queue.completions.length + 2 >= queue.completions.size) return false;
    this.events.release(id);
    return this.post(queue.completions, queue, id, status.abortRequested, 0);
  }

  private tellEvents(): void {
    const queue = this.queues.submission(0);
    if (!queue || !this.registers.running || queue.completions.full) return;
    const event = this.events.next();
    if (!event) return;
    if (this.post(queue.completions, queue, event.id, status.success, event.result)) {
      this.interrupt(queue.completions);
    }
  }

  /** What the embedder's memory throws is no answer. */
  private attempt(work: () => boolean): boolean {
    try {
      return work();
    } catch (error) {
      this.options.onError(error);
      return false;
    }
  }
}
