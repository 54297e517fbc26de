/**
 * What a guest does, written as Linux mmiotrace text.
 *
 * @module trapline/record
 */

export { FunctionCounts, KINDS, type Kind } from './trace/function-counts.js';
export type { RecordedRing } from './trace/recorded-ring.js';
export { type Recording, type RecordingOptions, record } from './trace/recording.js';
export type { TextSink } from './trace/recording-text.js';
