export interface RecordedFunction {
  readonly fn: {
    readonly count: number;
    readonly bar: RecordedBar;
    /** The same object where both are in one BAR. */
    readonly pbaBar: RecordedBar;
    readonly table: number;
    readonly pba: number;
  };
  readonly accesses: readonly RecordedAccess[];
}
export interface RecordedBar {
  readonly address: number;
  readonly size: number;
}
export interface RecordedAccess {
  readonly kind: 'R' | 'W';
  readonly width: number;
  readonly offset: number;
  readonly value: bigint;
}
export function recordedFunctions(): Map<string, RecordedFunction>;
