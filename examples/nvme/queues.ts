import type { Interrupts } from 'trapline';
import { CompletionQueue, type QueuePlace, SubmissionQueue } from './queue.js';

/** The queues there are, by id; 0 are the admin queues. A vector is in use while a queue names it. */
export class Queues {
  private readonly submissions = new Map<number, SubmissionQueue>();
  private readonly completions = new Map<number, CompletionQueue>();
  private readonly interrupts: () => Interrupts;

  constructor(interrupts: () => Interrupts) {
    this.interrupts = interrupts;
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
