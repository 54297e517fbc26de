;; v86's MMIO imports with nothing behind: what no dispatcher in wasm can beat.
(module
  (func (export "mmap_read8") (param i32) (result i32) (i32.const 0))
  (func (export "mmap_read32") (param i32) (result i32) (i32.const 0))
  (func (export "mmap_write8") (param i32 i32))
  (func (export "mmap_write16") (param i32 i32))
  (func (export "mmap_write32") (param i32 i32))
  (func (export "mmap_write64") (param i32 i32 i32))
  (func (export "mmap_write128") (param i32 i32 i32 i32 i32)))
