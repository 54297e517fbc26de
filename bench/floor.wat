;; What no dispatcher can beat: calls with the dispatcher's signatures whose bodies do one load, at the address. Without a
;; result, a load that nothing depends on would be optimised away. The `storing` ones make one store instead: no write
;; can do without.
(module
  (memory 1)
  (func (export "read") (param $address f64) (param $width i32) (result i32)
    (i32.load (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_s (local.get $address))) (i32.const 0xffc))))
  (func (export "write") (param $address f64) (param $width i32) (param $data i32) (param $dataHigh i32) (result i32)
    (i32.load (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_s (local.get $address))) (i32.const 0xffc))))
  (func (export "storing_write")
    (param $address f64) (param $width i32) (param $data i32) (param $dataHigh i32) (result i32)
    (i32.store (i32.and (i32.wrap_i64 (i64.trunc_sat_f64_s (local.get $address))) (i32.const 0xffc)) (local.get $data))
    (i32.const 0))
  (func (export "trap_read") (param $low i32) (param $high i32) (param $width i32) (result i32)
    (i32.load (i32.and (local.get $low) (i32.const 0xffc))))
  (func (export "trap_write")
    (param $low i32) (param $high i32) (param $width i32) (param $data i32) (param $dataHigh i32)
    (if (i32.eq (i32.load (i32.and (local.get $low) (i32.const 0xffc))) (i32.const -1)) (then (unreachable))))
  (func (export "storing_trap_write")
    (param $low i32) (param $high i32) (param $width i32) (param $data i32) (param $dataHigh i32)
    (i32.store (i32.and (local.get $low) (i32.const 0xffc)) (local.get $data))))
