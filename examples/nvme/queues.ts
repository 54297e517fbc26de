import type { Interrupts } from 'trapline';
import {
  CompletionQueue,
  type CompletionQueueState,
  type QueuePlace,
  SubmissionQueue,
  type SubmissionQueueState,
} from './queue.js';

/** Each in the order in which they were created. */
export interface QueuesState {
  readonly completions: readonly CompletionQueueState[];
  readonly submissions: readonly SubmissionQueueState[];
}

/** The queues there are, by id; 0 are the admin queues. A vector is in use while a queue names it. */
export class Queues {
  private readonly submissions = new Map<number, SubmissionQueue>();
  private readonly completions = new Map<number, CompletionQueue>();
  private readonly interrupts: () => Interrupts;

  constructor(interrupts: () => Interrupts) {
    this.interrupts = interrupts;
  }

  save(): QueuesState {
    return {
      completions: [...this.completions.values()].map((queue) => queue.save()),
      submissions: [...this.submissions.values()].map((queue) => queue.save()),
    };
  }

  /** Uses of vectors are not touched: `dispatcher.restore` brings back those of the same moment. */
  restore({ completions, submissions }: QueuesState): void {
    this.completions.clear();
    this.submissions.clear();
    for (const state of completions) {
      const queue = new CompletionQueue(state, state.vector ?? undefined);
      queue.restore(state);
      this.completions.set(queue.id, queue);
    }
    for (const state of submissions) {
      const queue = new SubmissionQueue(state, this.completions.get(state.completions) as CompletionQueue);
      queue.restore(state);
      this.submissions.set(queue.id, queue);
    }
  }

  submission(id: number): SubmissionQueue | undefined {
    return this.submissions.get(id);
  }

  completion(id: number): CompletionQueue | undefined {
    return this.completions.get(id);
  }

  /** Submission queues whose completions a queue takes. */
  feeding(queue: CompletionQueue): SubmissionQueue[] {
    return [...this.submissions.values()].filter(({ completions }) => completions === queue);
  }

  /** No queues but the admin queues. */
  get idle(): boolean {
    return this.submissions.size <= 1 && this.completions.size <= 1;
  }

  addCompletion(place: QueuePlace, vector: number | undefined): CompletionQueue {
    const queue = new CompletionQueue(place, vector);
    this.completions.set(queue.id, queue);
    if (vector !== undefined) this.interrupts().use(vector);
    return queue;
  }

  addSubmission(place: QueuePlace, completions: CompletionQueue): void {
    this.submissions.set(place.id, new SubmissionQueue(place, completions));
  }

  removeCompletion({ id, vector }: CompletionQueue): void {
    this.completions.delete(id);
    if (vector !== undefined) this.interrupts().unuse(vector);
  }

  removeSubmission(id: number): void {
    this.submissions.delete(id);
  }

  clear(): void {
    this.submissions.clear();
    for (const queue of [...this.completions.values()]) this.removeCompletion(queue);
  }
}
