// The linear memory, shared by assembly/ and src/. All values are bytes unless said otherwise.
//
//   0x00000  cells       STATUS, HIGH, OFFSET: what an access leaves for TypeScript. Shared build: in a block of each worker
//   0x00040  RECORDS, EPOCH, CALLS, FUNCTIONS: the shared build's
//   0x00080  WORKERS     shared build: where each worker's block is
//   0x00400  NO_KINDS    512 x UNCLAIMED: the kind map of every page that does not trap
//   0x00600  MIXED_KINDS 512 x MIXED: the kind map of every mixed page
//   0x10000  TOP         the page map's root
//   0x20000  EMPTY_MID   what the root holds where nothing is mapped
//   0x30000  EMPTY_LEAF  what a mid node holds where nothing is mapped
//   0x40000  HEAP        nodes, kind maps, mixed pages, MSI-X tables, rings

/** i32: 0, or an outcome (below) in bits 7..0 and a mapped page's id in bits 31..8. TypeScript resets it to 0. */
export const STATUS = 0x10;
/** u32: the high lane of an 8-byte read. */
export const HIGH = 0x14;
/** u32: the offset in the host page that goes with FORWARDED_AT. */
export const OFFSET = 0x18;
/** u32: pointer to a u32 for each mapped page's id: where in this memory its bytes are, 0 where they are not. */
export const OWN_PAGES = 0x1c;
/** u32, shared build: the record of the function whose lock an outcome holds, which TypeScript releases; 0: none. */
export const HELD = 0x20;
/** u32, shared build: the record whose lock this worker waits for; 0: none. */
export const WAITS = 0x24;
/** u32, shared build: the EPOCH at which this worker passed an entry last; OUTSIDE: it has nothing in hand. */
export const ENTERED = 0x28;
export const OUTSIDE = 0;
/** u32, shared build: accesses of this worker that were given up, as those whom it waited for waited for it. */
export const CIRCLES = 0x2c;
/** u32, shared build: the EPOCH that this worker's last access began at. */
export const SEEN = 0x30;

// A worker's block, shared build: its cells, a cache line, then what it asks of the worker that made the dispatcher.
/** u32: NO_CALL, ASKED, ANSWERED or MISUSED. */
export const CALL = 0x40;
export const NO_CALL = 0;
export const ASKED = 1;
export const ANSWERED = 2;
/** TEXT says of what. */
export const MISUSED = 3;
/** u32: calls in the queue, made when the outermost access has ended. */
export const QUEUED = 0x44;
/** u32: 1 when the worker has died and its locks are free. */
export const LEFT = 0x5c;
/** u32: tells the workers apart that have the place, one after the other. */
export const SERIAL = 0x60;
/** u32: 1 once a worker has attached. */
export const TAKEN = 0x64;
/** f64: the answer, and the high lane of 8 bytes. */
export const ANSWER = 0x48;
export const ANSWER_HIGH = 0x50;
/** u32 bytes, then JSON. */
export const TEXT_LENGTH = 0x58;
/** The call, then those of the queue. See src/shared/call.ts. */
export const CALLS_OF = 0x80;
export const CALL_SIZE = 64;
export const MOST_QUEUED = 61;
/** Leaf entries that were found lately: 256 x +0 u64 key +8 u32 leaf. See recent.ts. */
export const RECENT = 0x1000;
export const RECENT_LEAF = 8;
/** Bytes. */
export const RECENT_SIZE = 0x1000;
export const TEXT = 0x2000;
export const BLOCK_SIZE = 0x3000;

/** u32, shared build: pointer to a mapped page's whereabouts, by its id. */
export const RECORDS = 0x40;
/** u32, shared build: rises when pages are dropped, storage is retired, or decoding is to be switched off. */
export const EPOCH = 0x44;
/** u32, shared build: rises when a worker asks. */
export const CALLS = 0x48;
/** u32, shared build: the first function's record; each has the next. */
export const FUNCTIONS = 0x4c;
/** u32 for each worker, shared build: pointer to its block. */
export const WORKERS = 0x80;
export const MOST_WORKERS = 64;

// Whereabouts of a mapped page, shared build: +0 its function's record +4 whether workers map it +8 f64 its host address
export const WHEREABOUTS_SIZE = 16;
/** u32: 1 where each worker asks its own host for the page, 0 where only the dispatcher's worker has it. */
export const MAPPABLE = 4;
export const HOST_ADDRESS = 8;

export const NO_KINDS = 0x400;
export const MIXED_KINDS = 0x600;

// The page map: guest page number (40 bits) -> leaf entry, a radix tree of 14, 14 and 12 bits. Nothing is null.
//
//   address   51        38 37        24 23      12 11     0
//            +------------+------------+----------+--------+
//            | TOP index  | mid index  | leaf     | offset |
//            +------------+------------+----------+--------+
//   TOP, mid: u32 pointers. Leaf: entries of 16 bytes.
export const TOP = 0x10000;
export const EMPTY_MID = 0x20000;
export const EMPTY_LEAF = 0x30000;
export const HEAP = 0x40000;
export const NODE_SIZE = 0x10000;
/** Words that a node of pointers has. */
export const NODE_POINTERS = 16384;
export const NODE_ENTRIES = 4096;

// Shared build: a leaf node has u32 pointers to its entries. One is written before a page leads to it and not changed then, but for GONE, so
// that who reads it without a lock never has half of an old and half of a new one.
export const POINTER_NODE_SIZE = 0x4000;
/** Entry of every page that does not trap. */
export const EMPTY_ENTRY = 0x34000;
/** Of an access that is given up: reads all ones, drops writes. Its kind map follows. */
export const ONES_ENTRY = 0x34040;
export const ONES_KINDS = 0x34080;

// Leaf entry: +0 DATA +4 KINDS +8 PAGE +12 FLAGS; shared build: +16 RECORD +20 GONE
export const ENTRY_SIZE = 16;
/** u32: what to add to the low lane of an address to get its place in the table's storage. */
export const DATA = 0;
/** u32: pointer to 512 kind bytes, one for each 8-byte cell of the page. */
export const KINDS = 4;
/** u32: id of the mapped page of forwarded bytes; on a mixed page, pointer to its cells. */
export const PAGE = 8;
/** u32: pointer such that FLAGS + (storage pointer >> 4) is the entry's `updated` byte. */
export const FLAGS = 12;

/** u32, shared build: the record of the function that has the page; 0: nobody has, or several have bytes of it. */
export const RECORD = 16;
/** u32, shared build: 1: no page leads to the entry any more. */
export const GONE = 20;
export const SHARED_ENTRY_SIZE = 64;

// Mixed page: 512 x u16, the index of each cell's span; then spans of 16 bytes, like leaf entries but for
//   DATA  (forwarded bytes) what to add to the offset in the guest page to get the offset in the host page
//   KINDS the kind itself
export const CELLS = 512;
export const CELL_SIZE = 8;
export const SPANS = 1024;

// Kind byte: bits 3..0 the widths allowed when aligned (1 also: unaligned, byte by byte), bits 6..4 whose the cell is,
// bit 7 set where the wasm answers alone.
export const CLASS = 0x70;
/** Set in both kinds of table cells, and in no other. */
export const TABLE = 0x80;
export const UNCLAIMED_CELL = 0x00;
/** Message address. */
export const TABLE_ADDRESS = 0x8c;
/** Message data and vector control. */
export const TABLE_DATA = 0x9c;
/** Tells the two apart: set where the upper word is vector control. */
export const CONTROL = 0x10;
/** Set in the kinds of PBA and forwarded cells, and in no other: a mapped page answers reads. */
export const HOST = 0x20;
/** The policy adds the widths. */
export const PBA = 0x20;
export const FORWARD = 0x3f;
/** Reads all ones, drops writes. */
export const NOBODY = 0x40;
export const MIXED = 0x50;

// MSI-X table storage of a function: entries of 16 bytes, 16-byte aligned; then a byte `updated` for each entry;
// then a byte `armed` for each. Entry: +0 address low +4 address high +8 data +12 vector control (bit 0 only).
// Where the table starts at 8 mod 16 and the policy takes the field from the address, the halves are swapped.
export const VECTOR_SIZE = 16;

// Function's record, shared build: 64 bytes, a cache line. Its place is a function's for ever, though not the same one's.
//   +0 HOLDER +4 DEPTH +8 STATE +12 GENERATION +16 NEXT +20 SBDF +24 TABLE_LOW +28 SEQUENCE
export const FUNCTION_SIZE = 64;
/** u32: 0 free, else the holder's number + 1, with WAITED. */
export const HOLDER = 0;
/** u32: how often its holder holds it beyond once. */
export const DEPTH = 4;
/** u32: OFF, MAPPING, ON or UNMAPPING: memory decoding. */
export const STATE = 8;
/** u32: the EPOCH at which its host pages were dropped last. */
export const GENERATION = 12;
/** u32: the next function's record, 0: none. */
export const NEXT = 16;
export const SBDF = 20;
/** u32: the low lane of the guest address where its table begins. */
export const TABLE_LOW = 24;
/** u32: tells the functions apart that had the record; 0: none has it. */
export const SEQUENCE = 28;
/** In HOLDER: who releases it wakes one who waits. */
export const WAITED = 0x80000000;
export const OFF = 0;
export const MAPPING = 1;
export const ON = 2;
export const UNMAPPING = 3;

// Outcomes that TypeScript finishes. The first two are the mapped page's at the same offset.
/** Aligned. */
export const FORWARDED = 1;
/** Unaligned, every byte on the one page: byte by byte. */
export const SPLIT = 2;
/** The mapped page answers, at OFFSET. */
export const FORWARDED_AT = 3;
/** Width or alignment not allowed: all ones, or dropped. */
export const REFUSED = 4;
/** A vector's mask bit changed. */
export const VECTOR = 5;
/** Unaligned, and the bytes have different owners or lie on two pages. */
export const STRADDLE = 6;
/** No function claims the address. */
export const UNCLAIMED_ACCESS = 7;
/** Not one of the cases of the 4-byte door: the door for any width answers it. */
export const OTHER = 8;

// ioreq record (Xen public/hvm/ioreq.h):
//   +0 addr u64  +8 data u64  +16 count u32  +20 size u32  +24 vp_eport u32  +28 pad u16
//   +30 bits 3..0 state, 4 data_is_ptr, 5 dir (1 read), 6 df  +31 type
export const RECORD_SIZE = 32;
export const RECORD_ADDRESS = 0;
export const RECORD_DATA = 8;
export const RECORD_COUNT = 16;
export const RECORD_WIDTH = 20;
/** u32 at +28: padding, the bit-field byte in bits 23..16, the type in bits 31..24. */
export const RECORD_TAIL = 28;
/** State, data_is_ptr and type: what makes a record a plain copy that waits for its answer. */
export const TAIL_PLAIN_MASK = 0xff1f0000;
/** State 1 (request ready), type 1 (copy). */
export const TAIL_PLAIN = 0x01010000;
export const TAIL_READ = 0x00200000;
/** State 1 becomes 3 (response ready). */
export const TAIL_READY_TO_DONE = 0x00020000;
