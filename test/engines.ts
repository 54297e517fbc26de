import { createDispatcher, type DispatcherOptions, type Trap } from '../src/dispatcher.js';
import { createReference } from './reference/reference.js';

export interface Engine {
  readonly name: string;
  readonly create: (options: DispatcherOptions) => Trap;
}

export const reference: Engine = { name: 'reference', create: createReference };

/** What behaviour tests iterate over: what holds for one holds for all. */
export const engines: readonly Engine[] = [reference, { name: 'wasm', create: createDispatcher }];
