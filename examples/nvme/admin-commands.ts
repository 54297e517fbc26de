import type { AsyncEvents } from './async-events.js';
import type { Command } from './command.js';
import { type Features, MAX_QUEUES } from './features.js';
import type { GuestMemory } from './guest-memory.js';
import { identifyController, identifyDescriptors, identifyList, identifyNamespace } from './identify.js';
import type { LogPages } from './log-pages.js';
import { NAMESPACE, type Namespace } from './namespace.js';
import { PAGE, sendData } from './prp.js';
import type { QueuePlace } from './queue.js';
import type { Queues } from './queues.js';
import { MAX_ENTRIES } from './registers.js';
import { Failed, status } from './status.js';

const DELETE_SUBMISSION_QUEUE = 0x00;
const CREATE_SUBMISSION_QUEUE = 0x01;
const GET_LOG_PAGE = 0x02;
const DELETE_COMPLETION_QUEUE = 0x04;
const CREATE_COMPLETION_QUEUE = 0x05;
const IDENTIFY = 0x06;
const ABORT = 0x08;
const SET_FEATURES = 0x09;
const GET_FEATURES = 0x0a;
const ASYNC_EVENT_REQUEST = 0x0c;

/** Create commands, dword 11: physically contiguous; interrupts enabled. */
const CONTIGUOUS = 1;
const INTERRUPTS = 2;
/** Get Log Page, dword 10: Retain Asynchronous Event. */
const RETAIN = 1 << 15;

export interface AdminCommandsOptions {
  readonly memory: GuestMemory;
  readonly namespace: Namespace;
  readonly queues: Queues;
  readonly features: Features;
  readonly logPages: LogPages;
  readonly events: AsyncEvents;
  readonly serial: string;
  readonly vectors: number;
  /** CC has the entry sizes of I/O queues. */
  readonly entrySizesFit: () => boolean;
  /** Completes a held command. False: there is no room for its completion beside this command's own. */
  readonly abort: (id: number) => boolean;
}

/** The admin command set (NVMe 1.4, 5). */
export class AdminCommands {
  private readonly options: AdminCommandsOptions;

  constructor(options: AdminCommandsOptions) {
    this.options = options;
  }

  /** Returns dword 0 of the completion; undefined: the command is held. */
  execute(command: Command): number | undefined {
    const { features, queues, events } = this.options;
    if (events.holds(command.id)) throw new Failed(status.commandIdConflict);
    switch (command.opcode) {
      case DELETE_SUBMISSION_QUEUE:
        return this.deleteSubmissionQueue(command);
      case CREATE_SUBMISSION_QUEUE:
        return this.createSubmissionQueue(command);
      case GET_LOG_PAGE:
        return this.getLogPage(command);
      case DELETE_COMPLETION_QUEUE:
        return this.deleteCompletionQueue(command);
      case CREATE_COMPLETION_QUEUE:
        return this.createCompletionQueue(command);
      case IDENTIFY:
        sendData(this.options.memory, command, this.identify(command));
        return 0;
      case ABORT:
        return this.abort(command);
      case SET_FEATURES:
        return features.set(command, queues.idle);
      case GET_FEATURES:
        return features.get(command);
      case ASYNC_EVENT_REQUEST:
        if (events.full) throw new Failed(status.asyncEventLimitExceeded);
        events.hold(command.id);
        return undefined;
      default:
        throw new Failed(status.invalidOpcode);
    }
  }

  private createCompletionQueue(command: Command): number {
    const { queues, vectors } = this.options;
    const place = this.queuePlace(command, queues.completion(command.dword(10) & 0xffff) !== undefined);
    const flags = command.dword(11);
    const vector = flags >>> 16;
    if (vector >= vectors) throw new Failed(status.invalidInterruptVector);
    queues.addCompletion(place, flags & INTERRUPTS ? vector : undefined);
    return 0;
  }

  private createSubmissionQueue(command: Command): number {
    const { queues } = this.options;
    const place = this.queuePlace(command, queues.submission(command.dword(10) & 0xffff) !== undefined);
    const id = command.dword(11) >>> 16;
    if (id === 0 || id > MAX_QUEUES) throw new Failed(status.invalidQueueIdentifier);
    const completions = queues.completion(id);
    if (completions === undefined) throw new Failed(status.completionQueueInvalid);
    queues.addSubmission(place, completions);
    return 0;
  }

  /** What both Create commands say of their queue (NVMe 1.4, 5.3, 5.4). */
  private queuePlace(command: Command, exists: boolean): QueuePlace {
    const id = command.dword(10) & 0xffff;
    const size = (command.dword(10) >>> 16) + 1;
    if (id === 0 || id > MAX_QUEUES || exists) throw new Failed(status.invalidQueueIdentifier);
    if (size < 2 || size > MAX_ENTRIES) throw new Failed(status.invalidQueueSize);
    if ((command.dword(11) & CONTIGUOUS) === 0 || !this.options.entrySizesFit()) {
      throw new Failed(status.invalidField);
    }
    if (command.prp1 % PAGE !== 0) throw new Failed(status.invalidPrpOffset);
    return { id, address: command.prp1, size };
  }

  private deleteSubmissionQueue(command: Command): number {
    const { queues } = this.options;
    const id = command.dword(10) & 0xffff;
    if (id === 0 || !queues.submission(id)) throw new Failed(status.invalidQueueIdentifier);
    queues.removeSubmission(id);
    return 0;
  }

  private deleteCompletionQueue(command: Command): number {
    const { queues } = this.options;
    const id = command.dword(10) & 0xffff;
    const queue = queues.completion(id);
    if (id === 0 || !queue) throw new Failed(status.invalidQueueIdentifier);
    if (queues.feeding(queue).length > 0) throw new Failed(status.invalidQueueDeletion);
    queues.removeCompletion(queue);
    return 0;
  }

  /** By CNS (NVMe 1.4, figure 244). */
  private identify(command: Command): Uint8Array {
    const cns = command.dword(10) & 0xff;
    const id = command.namespace;
    const { namespace, serial } = this.options;
    switch (cns) {
      case 0x00:
        mustBeNamespace(id);
        return identifyNamespace(namespace, serial);
      case 0x01:
        return identifyController(serial);
      case 0x02:
        if (id >= 0xfffffffe) throw new Failed(status.invalidNamespace);
        return identifyList(id < NAMESPACE ? [NAMESPACE] : []);
      case 0x03:
        mustBeNamespace(id);
        return identifyDescriptors(serial);
      default:
        throw new Failed(status.invalidField);
    }
  }

  private getLogPage(command: Command): number {
    const { memory, logPages, events } = this.options;
    sendData(memory, command, logPages.read(command));
    if ((command.dword(10) & RETAIN) === 0) events.unmask(command.dword(10) & 0xff);
    return 0;
  }

  /** Only held commands can be aborted: all others end before the next one begins. Bit 0: it was not aborted. */
  private abort(command: Command): number {
    const id = command.dword(10) >>> 16;
    const admin = (command.dword(10) & 0xffff) === 0;
    return admin && this.options.events.holds(id) && this.options.abort(id) ? 0 : 1;
  }
}

function mustBeNamespace(id: number): void {
  if (id !== NAMESPACE) throw new Failed(status.invalidNamespace);
}
