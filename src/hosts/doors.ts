import type { Trap } from '../dispatcher.js';

/** A dispatcher's doors, or those of a recording of it. */
export type Doors = Pick<Trap, 'high' | 'read' | 'write'>;
