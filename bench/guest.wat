;; A second wasm module that traps, as a wasm guest does. Its memory: `count` addresses, each u32 low, u32 high.
(module
  (import "trap" "trap_read" (func $trap_read (param i32 i32 i32) (result i32)))
  (import "trap" "trap_write" (func $trap_write (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 4)
  (func (export "read") (param $count i32) (result i32)
    (local $at i32) (local $end i32) (local $sum i32)
    (local.set $end (i32.shl (local.get $count) (i32.const 3)))
    (loop $next
      (local.set $sum (i32.add (local.get $sum)
        (call $trap_read (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.const 4))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum))
  (func (export "write") (param $count i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $end (i32.shl (local.get $count) (i32.const 3)))
    (loop $next
      (call $trap_write (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.const 4)
        (i32.sub (i32.const 0) (local.get $at)) (i32.const 0))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $at)))
