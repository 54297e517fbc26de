#include "doors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "memory.h"
#include "page-map.h"

#define UNTOUCHED 0x5a5a5a5au

static const char *const NAMES[DOORS] = {
    "read4",      "read",        "write4",      "write",        "trap_read",    "trap_write",   "answer",
    "mmap_read8", "mmap_read32", "mmap_write8", "mmap_write16", "mmap_write32", "mmap_write64", "mmap_write128",
};

static Z_core_instance_t core;
static Machine *machine;

/* What is being asked, for the line that a difference is told in. */
static Door door;
static Access asked;
static double asked_number;

/* The cells as they must be. */
static uint32_t status, high_cell, offset_cell;

/* The store and the own pages as they must be. */
static uint8_t store[STORE_END - STORE], own[OWN_END - OWN];
static uint8_t first_page[MIXED_KINDS + CELLS];
static int checked_count;
static struct { uint32_t at, before; } own_writes[1024];
static int own_write_count;

static _Noreturn void differs(const char *what, uint64_t is, uint64_t must) {
  fprintf(stderr, "trapline: %s", NAMES[door]);
  if (door <= WRITE)
    fprintf(stderr, " at %.17g", asked_number);
  fprintf(stderr, " (0x%" PRIx64 "%s)", asked.address, asked.nowhere ? ", nowhere" : "");
  fprintf(stderr, " of width 0x%x", asked.width);
  if (asked.writes)
    fprintf(stderr, " with 0x%x 0x%x", asked.low, asked.high);
  fprintf(stderr, ": %s is 0x%" PRIx64 ", must be 0x%" PRIx64 "\n", what, is, must);
  abort();
}

static void check(const char *what, uint64_t is, uint64_t must) {
  if (is != must)
    differs(what, is, must);
}

static void check_cells(void) {
  check("STATUS", *words_at(STATUS), status);
  check("HIGH", *words_at(HIGH), high_cell);
  check("OFFSET", *words_at(OFFSET), offset_cell);
}

/* ---- What was reached */

#define SITUATIONS (DOORS * (OTHER + 1) * 4)

/* libFuzzer takes these for coverage. */
#ifdef __linux__
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t reached[SITUATIONS];
static bool reached_ever[SITUATIONS];

static void reach(const Access *access, int32_t outcome) {
  const Page *page = access->nowhere ? NULL : machine_page(machine, access->address);
  uint32_t situation =
      (((uint32_t)door * (OTHER + 1) + (outcome & 0xff)) * 2 + (page && page->mixed)) * 2 + machine->by_newest;
  reached[situation] = 1;
  reached_ever[situation] = true;
}

static Answer answer_of(const Access *access) {
  Answer answer = model_answer(machine, access);
  reach(access, answer.outcome);
  return answer;
}

int doors_situations(void) {
  int count = 0;
  for (int i = 0; i < SITUATIONS; i++)
    count += reached_ever[i];
  return count;
}

/* ---- What the wasm calls */

typedef enum {
  COMPLETE_READ,
  COMPLETE_WRITE,
  UNCLAIMED_READ,
  UNCLAIMED_WRITE,
  FORWARDED_READ4,
  FORWARDED_WRITE4
} Import;

typedef struct {
  Import import;
  uint32_t arguments[6];
  uint32_t result;
  /* The OFFSET cell meanwhile. */
  uint32_t offset;
} Call;

static Call expected_calls[2];
static int calls_expected, calls_made;

static uint32_t expect_call(Call call) {
  call.result = 0x9e3779b9u * (call.arguments[0] + call.arguments[1] + call.arguments[2]) - 1;
  call.offset = offset_cell;
  expected_calls[calls_expected++] = call;
  return call.result;
}

static uint32_t called(Import import, const uint32_t arguments[6]) {
  static const char *const IMPORTS[] = {"complete_read call",   "complete_write call",  "unclaimed_read call",
                                        "unclaimed_write call", "forwarded_read4 call", "forwarded_write4 call"};
  static const char *const ARGUMENTS[] = {"argument 1", "argument 2", "argument 3",
                                          "argument 4", "argument 5", "argument 6"};
  if (calls_made == calls_expected)
    differs(IMPORTS[import], 1, 0);
  const Call *call = &expected_calls[calls_made++];
  check("the import called", import, call->import);
  for (int i = 0; i < 6; i++)
    check(ARGUMENTS[i], arguments[i], call->arguments[i]);
  /* What is called may make accesses of its own. */
  check("STATUS", *words_at(STATUS), 0);
  check("OFFSET", *words_at(OFFSET), call->offset);
  return call->result;
}

#define CALLED(import, ...) called(import, (const uint32_t[6]){__VA_ARGS__})

u32 Z_hostZ_complete_read(struct Z_host_instance_t *host, u32 low, u32 high, u32 width, u32 outcome) {
  (void)host;
  return CALLED(COMPLETE_READ, low, high, width, outcome);
}
void Z_hostZ_complete_write(struct Z_host_instance_t *host, u32 low, u32 high, u32 width, u32 data, u32 data_high,
                            u32 outcome) {
  (void)host;
  CALLED(COMPLETE_WRITE, low, high, width, data, data_high, outcome);
}
u32 Z_hostZ_unclaimed_read(struct Z_host_instance_t *host, u32 low, u32 high, u32 width) {
  (void)host;
  return CALLED(UNCLAIMED_READ, low, high, width);
}
void Z_hostZ_unclaimed_write(struct Z_host_instance_t *host, u32 low, u32 high, u32 width, u32 data, u32 data_high) {
  (void)host;
  CALLED(UNCLAIMED_WRITE, low, high, width, data, data_high);
}
u32 Z_hostZ_forwarded_read4(struct Z_host_instance_t *host, u32 offset, u32 outcome, u32 low) {
  (void)host;
  return CALLED(FORWARDED_READ4, offset, outcome, low);
}
void Z_hostZ_forwarded_write4(struct Z_host_instance_t *host, u32 offset, u32 outcome, u32 low, u32 data) {
  (void)host;
  CALLED(FORWARDED_WRITE4, offset, outcome, low, data);
}

static wasm_rt_memory_t memory;
wasm_rt_memory_t *Z_envZ_memory(struct Z_env_instance_t *env) {
  (void)env;
  return &memory;
}

bool wasm_rt_is_initialized(void) { return true; }
uint32_t wasm_rt_register_func_type(uint32_t parameters, uint32_t results, ...) { return parameters + results; }
/* The generated code asks for these where it checks bounds itself. */
uint32_t wasm_rt_call_stack_depth;
void wasm_rt_trap(wasm_rt_trap_t trap) { differs("a trap of wasm", (uint64_t)trap, 0); }

/* ---- What is in linear memory */

static uint32_t place_of(const Function *function, uint32_t index, uint32_t field) {
  return storage_of[function->index] + VECTOR_SIZE * index + (is_swapped(function) ? field ^ 8 : field);
}

static void write_expected(uint32_t address, uint32_t value) {
  memcpy(store + (address - STORE), &value, sizeof value);
}

/* Entries that the model has written since. */
static void check_entries(void) {
  static const char *const FIELDS[] = {"message address", "upper message address", "message data", "vector control"};
  for (; checked_count < touched_count; checked_count++) {
    const Touched *one = &touched[checked_count];
    const Entry *entry = model_entry(one->function, one->index);
    for (uint32_t i = 0; i < 4; i++) {
      uint32_t place = place_of(one->function, one->index, 4 * i);
      check(FIELDS[i], *words_at(place), entry->fields[i]);
      write_expected(place, entry->fields[i]);
    }
    uint32_t updated = storage_of[one->function->index] + VECTOR_SIZE * one->function->count + one->index;
    check("updated", laid[updated], entry->updated);
    store[updated - STORE] = entry->updated;
  }
}

static void check_done(void) {
  check("calls of imports", (uint64_t)calls_made, (uint64_t)calls_expected);
  calls_made = calls_expected = 0;
  check_cells();
  check_entries();
}

static void reset_entries(void) {
  for (int i = 0; i < touched_count; i++) {
    const Touched *one = &touched[i];
    for (uint32_t field = 0; field < VECTOR_SIZE; field += 4) {
      uint32_t place = place_of(one->function, one->index, field);
      *words_at(place) = field == 12;
      write_expected(place, field == 12);
    }
    uint32_t updated = storage_of[one->function->index] + VECTOR_SIZE * one->function->count + one->index;
    laid[updated] = store[updated - STORE] = 0;
  }
  checked_count = 0;
}

static void check_region(const char *name, const uint8_t *is, const uint8_t *must, uint32_t start, size_t size) {
  if (memcmp(is, must, size) == 0)
    return;
  uint32_t at = 0;
  while (is[at] == must[at])
    at++;
  char what[64];
  snprintf(what, sizeof what, "afterwards the byte of %s at 0x%x", name, start + at);
  differs(what, is[at], must[at]);
}

/* ---- The doors */

/* The expected cells after what the wasm hands over; STATUS is where TypeScript finds the outcome. */
static void expect_outcome(const Answer *answer) {
  if (answer->has_offset)
    offset_cell = answer->offset;
}

static void expect_read(const Answer *answer) {
  expect_outcome(answer);
  if (answer->outcome == 0 && answer->has_high)
    high_cell = answer->high;
}

static uint32_t zero_extended(uint32_t value, uint32_t width) {
  return width < 4 ? value & ((1u << 8 * width) - 1) : value;
}

static void take_status(int32_t outcome) {
  status = (uint32_t)outcome;
  check("STATUS", *words_at(STATUS), status);
  *words_at(STATUS) = status = 0;
}

static void read_number(uint32_t (*read)(double, uint32_t)) {
  Answer answer = answer_of(&asked);
  expect_read(&answer);
  uint32_t value = read(asked_number, asked.width);
  check("the value", value, answer.outcome ? ~0u : answer.low);
  take_status(answer.outcome);
}

static uint32_t any_read(double number, uint32_t width) { return Z_coreZ_read(&core, number, width); }

static void door_read4(void) {
  if (!model_is_other(machine, &asked)) {
    Answer answer = answer_of(&asked);
    expect_read(&answer);
    check("the value", Z_coreZ_read4(&core, asked_number), answer.outcome ? ~0u : answer.low);
    take_status(answer.outcome);
    return;
  }
  check("the value", Z_coreZ_read4(&core, asked_number), ~0u);
  take_status(OTHER);
  reach(&asked, OTHER);
  check_cells();
  read_number(any_read);
}

static void door_write(uint32_t (*write)(double, uint32_t, uint32_t, uint32_t)) {
  Answer answer = answer_of(&asked);
  expect_outcome(&answer);
  check("the outcome", write(asked_number, asked.width, asked.low, asked.high), (uint32_t)answer.outcome);
}

static uint32_t write_4(double number, uint32_t width, uint32_t low, uint32_t high) {
  (void)width;
  (void)high;
  return Z_coreZ_write4(&core, number, low);
}

static uint32_t write_any(double number, uint32_t width, uint32_t low, uint32_t high) {
  return Z_coreZ_write(&core, number, width, low, high);
}

/* What a door for wasm gives: the access is finished, by an import if need be. */
static uint32_t expect_trap_read(const Access *access) {
  Answer answer = answer_of(access);
  expect_read(&answer);
  uint32_t low = (uint32_t)access->address, high = (uint32_t)(access->address >> 32);
  if (answer.outcome == 0)
    return zero_extended(answer.low, access->width);
  if (answer.outcome == UNCLAIMED_ACCESS)
    return expect_call((Call){UNCLAIMED_READ, {low, high, access->width}, 0, 0});
  return expect_call((Call){COMPLETE_READ, {low, high, access->width, (uint32_t)answer.outcome}, 0, 0});
}

static void expect_trap_write(const Access *access) {
  Answer answer = answer_of(access);
  expect_outcome(&answer);
  uint32_t low = (uint32_t)access->address, high = (uint32_t)(access->address >> 32);
  if (answer.outcome == 0)
    return;
  if (answer.outcome == UNCLAIMED_ACCESS)
    expect_call((Call){UNCLAIMED_WRITE, {low, high, access->width, access->low, access->high}, 0, 0});
  else
    expect_call(
        (Call){COMPLETE_WRITE, {low, high, access->width, access->low, access->high, (uint32_t)answer.outcome}, 0, 0});
}

/* The outcome that names an aligned word of a host page. 0: it is in linear memory, at `own_at`. */
static int32_t device_outcome(const Owner *owner, bool moved, uint32_t *own_at) {
  const HostPage *page = machine_host_page(machine, owner->id);
  *own_at = page->own + owner->offset;
  if (page->own)
    return 0;
  if (moved)
    offset_cell = owner->offset;
  return (int32_t)((uint32_t)(moved ? FORWARDED_AT : FORWARDED) | owner->id << 8);
}

static void door_mmap_read32(void) {
  Owner owner;
  bool moved;
  uint32_t at, must, low = (uint32_t)asked.address;
  if (model_device_word(machine, asked.address, &owner, &moved)) {
    int32_t outcome = device_outcome(&owner, moved, &at);
    reach(&asked, outcome);
    if (outcome)
      must = expect_call((Call){FORWARDED_READ4, {owner.offset, (uint32_t)outcome, low}, 0, 0});
    else
      memcpy(&must, own + (at - OWN), sizeof must);
  } else {
    must = expect_trap_read(&asked);
  }
  check("the value", Z_coreZ_mmap_read32(&core, low), must);
}

static void door_mmap_write32(void) {
  Owner owner;
  bool moved;
  uint32_t at, low = (uint32_t)asked.address;
  if (!model_device_word(machine, asked.address, &owner, &moved)) {
    expect_trap_write(&asked);
    Z_coreZ_mmap_write32(&core, low, asked.low);
    return;
  }
  int32_t outcome = device_outcome(&owner, moved, &at);
  reach(&asked, outcome);
  if (outcome) {
    expect_call((Call){FORWARDED_WRITE4, {owner.offset, (uint32_t)outcome, low, asked.low}, 0, 0});
  } else {
    uint8_t *word = own + (at - OWN);
    own_writes[own_write_count].at = at - OWN;
    memcpy(&own_writes[own_write_count++].before, word, 4);
    memcpy(word, &asked.low, 4);
  }
  Z_coreZ_mmap_write32(&core, low, asked.low);
  if (!outcome)
    check("the word of the page in linear memory", *words_at(at), asked.low);
}

static void door_mmap_write128(void) {
  Access access = asked;
  expect_trap_write(&access);
  access.address = (uint32_t)(access.address + 8);
  access.low = ~asked.low;
  access.high = ~asked.high;
  expect_trap_write(&access);
  Z_coreZ_mmap_write128(&core, (uint32_t)asked.address, asked.low, asked.high, access.low, access.high);
}

static void go(void) {
  uint32_t low = (uint32_t)asked.address, high = (uint32_t)(asked.address >> 32), must;
  switch (door) {
  case READ4:
    door_read4();
    break;
  case READ:
    read_number(any_read);
    break;
  case WRITE4:
    door_write(write_4);
    break;
  case WRITE:
    door_write(write_any);
    break;
  case TRAP_READ:
    must = expect_trap_read(&asked);
    check("the value", Z_coreZ_trap_read(&core, low, high, asked.width), must);
    break;
  case TRAP_WRITE:
    expect_trap_write(&asked);
    Z_coreZ_trap_write(&core, low, high, asked.width, asked.low, asked.high);
    break;
  case MMAP_READ8:
    must = expect_trap_read(&asked);
    check("the value", Z_coreZ_mmap_read8(&core, low), must);
    break;
  case MMAP_READ32:
    door_mmap_read32();
    break;
  case MMAP_WRITE8:
    expect_trap_write(&asked);
    Z_coreZ_mmap_write8(&core, low, asked.low);
    break;
  case MMAP_WRITE16:
    expect_trap_write(&asked);
    Z_coreZ_mmap_write16(&core, low, asked.low);
    break;
  case MMAP_WRITE32:
    door_mmap_write32();
    break;
  case MMAP_WRITE64:
    expect_trap_write(&asked);
    Z_coreZ_mmap_write64(&core, low, asked.low, asked.high);
    break;
  case MMAP_WRITE128:
    door_mmap_write128();
    break;
  case RING:
  case DOORS:
    abort();
  }
}

/* Widths that a door has, 0 for any; and whether it writes. */
static uint32_t width_of(Door one) {
  static const uint8_t WIDTHS[DOORS] = {4, 0, 4, 0, 0, 0, 0, 1, 4, 1, 2, 4, 8, 8};
  return WIDTHS[one];
}

static bool writes(Door one) { return one == WRITE4 || one == WRITE || one == TRAP_WRITE || one >= MMAP_WRITE8; }

void doors_access(Door by, Access access, double number) {
  door = by;
  access.writes = writes(by);
  if (width_of(by))
    access.width = width_of(by);
  if (by == WRITE4 || (by >= MMAP_WRITE8 && by <= MMAP_WRITE32))
    access.high = 0;
  if (by >= MMAP_READ8)
    access.address = (uint32_t)access.address;
  if (by <= WRITE) {
    access.nowhere = !(number >= 0 && number < 0x1p52 && number == floor(number));
    access.address = access.nowhere ? 0 : (uint64_t)number;
  }
  asked = access;
  asked_number = number;
  go();
  check_done();
}

/* ---- The ring */

/* A copy of memory, one of it, ready, its data in the record. */
static bool is_plain_copy(const Record *record) {
  return (record->tail & TAIL_PLAIN_MASK) == TAIL_PLAIN && record->count == 1;
}

static void put(uint8_t *bytes, uint32_t value) { memcpy(bytes, &value, sizeof value); }

static void write_record_bytes(uint8_t *at, const Record *record) {
  memcpy(at + RECORD_ADDRESS, &record->access.address, 8);
  put(at + RECORD_DATA, record->access.low);
  put(at + RECORD_DATA + 4, record->access.high);
  put(at + RECORD_COUNT, record->count);
  put(at + RECORD_WIDTH, record->access.width);
  put(at + RECORD_WIDTH + 4, record->port);
  put(at + RECORD_TAIL, record->tail);
}

/* Its outcome: 0 where the ring goes on. An answered record's bytes change. */
static int32_t expect_record(uint8_t *at, const Record *record) {
  if (!is_plain_copy(record))
    return 0;
  Answer answer = answer_of(&record->access);
  if (answer.outcome == UNCLAIMED_ACCESS)
    return 0;
  if (record->access.writes)
    expect_outcome(&answer);
  else
    expect_read(&answer);
  if (answer.outcome)
    return answer.outcome;
  put(at + RECORD_TAIL, record->tail ^ TAIL_READY_TO_DONE);
  if (record->access.writes)
    return 0;
  put(at + RECORD_DATA, zero_extended(answer.low, record->access.width));
  put(at + RECORD_DATA + 4, record->access.width == 8 ? answer.high : 0);
  return 0;
}

void doors_answer(const Record *records, uint32_t count) {
  uint32_t before = store_end(), size = RECORD_SIZE * count, ring = allocate_store(size, size), end = ring + size;
  uint8_t *must = store + (ring - STORE);
  door = RING;
  for (uint32_t i = 0; i < count; i++) {
    write_record_bytes(laid + ring + RECORD_SIZE * i, &records[i]);
    write_record_bytes(must + RECORD_SIZE * i, &records[i]);
  }
  uint32_t next = 0;
  do {
    uint32_t from = ring + RECORD_SIZE * next;
    int32_t outcome = 0;
    while (next < count && !outcome) {
      asked = records[next].access;
      outcome = expect_record(must + RECORD_SIZE * next, &records[next]);
      if (!outcome)
        next++;
    }
    check("the record stopped at", Z_coreZ_answer(&core, from, end), ring + RECORD_SIZE * next);
    take_status(outcome);
    check_done();
    for (uint32_t i = 0; i < size; i += 4) {
      uint32_t word;
      memcpy(&word, must + i, 4);
      check("a word of the record", *words_at(ring + i), word);
    }
    next++;
  } while (next <= count);
  memset(laid + ring, 0, size);
  memset(must, 0, size);
  free_store_from(before);
}

/* ---- An input */

void doors_open(void) {
  memory.data = seen;
  memory.pages = memory.max_pages = 65535;
  memory.size = STORE_END;
  for (uint32_t i = 0; i < sizeof own; i += 4) {
    uint32_t word = 0x9e3779b9u * (i + 1);
    memcpy(own + i, &word, 4);
  }
  memcpy(laid + OWN, own, sizeof own);
  memcpy(first_page, laid, sizeof first_page);
  Z_core_init_module();
  Z_core_instantiate(&core, NULL, NULL);
}

void doors_machine(Machine *now) {
  machine = now;
  memcpy(store, laid + STORE, store_end() - STORE);
  memcpy(first_page + OWN_PAGES, laid + OWN_PAGES, 4);
  Z_coreZ_configure(&core, now->pba_writable, now->splits_crossing);
}

void doors_start(void) {
  status = 0;
  *words_at(STATUS) = 0;
  *words_at(HIGH) = high_cell = UNTOUCHED;
  *words_at(OFFSET) = offset_cell = ~UNTOUCHED;
}

void doors_finish(void) {
  memcpy(first_page + STATUS, laid + STATUS, OWN_PAGES - STATUS);
  check_region("the first page", laid, first_page, 0, sizeof first_page);
  check_region("tables", laid + STORE, store, STORE, store_end() - STORE);
  check_region("own pages", laid + OWN, own, OWN, own_pages_shown() * PAGE_BYTES);
  reset_entries();
  model_reset();
  while (own_write_count > 0) {
    uint32_t at = own_writes[--own_write_count].at;
    memcpy(own + at, &own_writes[own_write_count].before, 4);
    memcpy(laid + OWN + at, own + at, 4);
  }
}
