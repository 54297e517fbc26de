;; Fills a ring, as a wasm guest or device model does: copies 32-byte records within the core's memory.
(module
  (import "core" "memory" (memory 1))
  (func (export "produce") (param $from i32) (param $to i32) (param $records i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $records) (i32.const 5))))
    (loop $next
      (i64.store (local.get $to) (i64.load (local.get $from)))
      (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $from)))
      (i64.store offset=16 (local.get $to) (i64.load offset=16 (local.get $from)))
      (i64.store offset=24 (local.get $to) (i64.load offset=24 (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 32)))
      (local.set $from (i32.add (local.get $from) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $end))))))
