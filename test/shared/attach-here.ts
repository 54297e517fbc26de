import type { AttachedDispatcher } from '../../src/shared/attached-dispatcher.js';
import type { Caller } from '../../src/shared/caller.js';
import { type AttachOptions, attach, type SharedDispatcher } from '../../src/shared.js';

/** Another worker's view, on this thread: where that one would wait for the dispatcher's, it serves. */
export function attachHere(dispatcher: SharedDispatcher, options: AttachOptions): AttachedDispatcher {
  const view = attach(dispatcher.share(), options);
  (Reflect.get(view, 'caller') as Caller).wait = () => dispatcher.serve();
  return view;
}
