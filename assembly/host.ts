// Imports: what an access from another wasm module needs when the core cannot finish it. The targets are set later,
// by attach(), since the host's own handlers may not exist when the core is instantiated.

/** Finishes an outcome; returns the value's low lane, its high lane in HIGH. */
export declare function complete_read(low: u32, high: u32, width: u32, outcome: i32): i32;
export declare function complete_write(
  low: u32,
  high: u32,
  width: u32,
  data: u32,
  dataHigh: u32,
  outcome: i32,
): void;
/** No function claims the address: the host's fall-back. */
export declare function unclaimed_read(low: u32, high: u32, width: u32): i32;
export declare function unclaimed_write(low: u32, high: u32, width: u32, data: u32, dataHigh: u32): void;
/** 4 bytes at an offset of the host page that the outcome names, aligned. */
export declare function forwarded_read4(offset: u32, outcome: i32, low: u32): i32;
export declare function forwarded_write4(offset: u32, outcome: i32, low: u32, data: u32): void;
/** Shared build: something was dropped or retired since this worker's last entry. */
export declare function pass_entry(): void;
/** Shared build: the same of this function, whose lock the worker has now. */
export declare function drop_stale(record: usize): void;
