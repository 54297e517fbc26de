/*
 * The fuzz target. An input is a machine and then accesses, 16 bytes each; what is missing is zero, so every input has
 * both.
 *
 *   machine    8 bytes and 16 for each function: machine.c
 *   access     +0 door +1 target +2 i8 bytes beside it +3 i8 its upper 5 bits: pages beside it +4 width +5 variety
 *              +6 u16 an entry, or cells beside the target +8 u64 data, or an address
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "doors.h"
#include "layout.h"
#include "memory.h"
#include "page-map.h"
#include "print.h"

#define ACCESS_BYTES 16
#define ACCESSES_MAX 256

static struct { unsigned long long inputs, accesses, machines; } counts;

static void print_counts(void) {
  fprintf(stderr,
          "trapline: %llu executions in %.1f seconds of the processor, %llu accesses, %llu machines laid out, %d "
          "situations reached\n",
          counts.inputs, (double)clock() / CLOCKS_PER_SEC, counts.accesses, counts.machines, doors_situations());
}

static uint32_t u16(const uint8_t *bytes) { return bytes[0] | (uint32_t)bytes[1] << 8; }

static uint64_t u64(const uint8_t *bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

/* Something to be near to: start and end of each structure and BAR, an entry, or nothing. */
static uint64_t target(const Machine *machine, const uint8_t *bytes) {
  const Function *function = &machine->functions[(bytes[1] >> 3 & 3) % machine->function_count];
  const Bar *bar = &function->bars[(bytes[1] >> 5 & 1) % function->bar_count];
  switch (bytes[1] & 7) {
  case 0:
    return function->table.start;
  case 1:
    return function->table.end;
  case 2:
    return function->pba.start;
  case 3:
    return function->pba.end;
  case 4:
    return bar->guest.start;
  case 5:
    return bar->guest.end;
  case 6:
    return function->count ? function->table.start + 16 * (u16(bytes + 6) % function->count) : bar->guest.start;
  default:
    return u64(bytes + 8);
  }
}

static uint32_t width(uint8_t byte) {
  static const uint32_t VALID[] = {4, 8, 1, 2};
  static const uint32_t INVALID[] = {0,  3,  5,  6,     7,     9,          10,         12,
                                     16, 33, 34, 0x104, 0x108, 0x80000004, 0x20000008, 0xffffffff};
  return byte < 0xe0 ? VALID[byte & 3] : INVALID[byte & 15];
}

/* Numbers that are no address, in their vicinity and far from them. */
static double number(uint64_t address, uint8_t variety, const uint8_t *bytes) {
  static const double ODD[] = {NAN,   INFINITY, -INFINITY,  -0.0,       0x1p52, 0x1p53,     0x1p64, -0x1p52,
                               1e300, 5e-324,   0x1p52 - 1, 0x1p52 + 1, 0x1p63, 0x1p53 - 1, -1.0,   0.5};
  double result = (double)address;
  if (variety < 0xa0)
    return result;
  if (variety < 0xb0)
    return result + ldexp(1, -(variety & 15));
  if (variety < 0xc0)
    return -result;
  if (variety < 0xd0)
    return ODD[variety & 15];
  if (variety < 0xe0)
    return result + ldexp(1, 44 + (variety & 15));
  memcpy(&result, bytes + 8, sizeof result);
  return result;
}

static Access decode_access(const Machine *machine, const uint8_t *bytes) {
  uint64_t data = u64(bytes + 8);
  Access access = {.width = width(bytes[4]), .low = (uint32_t)data, .high = (uint32_t)(data >> 32)};
  int64_t beside = (int8_t)bytes[2] + ((int8_t)bytes[3] >> 3) * (int64_t)PAGE_BYTES;
  if ((bytes[1] & 7) < 6)
    beside += (int64_t)CELL_SIZE * u16(bytes + 6);
  access.address = target(machine, bytes) + (uint64_t)beside;
  return access;
}

static Record decode_record(const Machine *machine, const uint8_t *bytes) {
  uint8_t variety = bytes[5];
  Record record = {.access = decode_access(machine, bytes), .count = 1, .port = u16(bytes + 6)};
  record.tail = TAIL_PLAIN | (variety & 1 ? TAIL_READ : 0) | u16(bytes + 6);
  if (variety >= 0xf0)
    record.count = variety & 15;
  else if (variety >= 0xd0)
    record.tail ^= 1u << (variety & 31);
  else if (variety >= 0xc0)
    record.access.address |= 1ull << (52 + variety % 12);
  record.access.writes = !(record.tail & TAIL_READ);
  return record;
}

static Door door_of(const uint8_t *bytes) { return bytes[0] % DOORS; }

static void run(const Machine *machine, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count;) {
    const uint8_t *at = bytes + ACCESS_BYTES * i;
    if (door_of(at) != RING) {
      Access access = decode_access(machine, at);
      double value = number(access.address, at[5], at);
      if (at[5] >= 0xc0)
        access.address |= 1ull << (52 + at[5] % 12);
      doors_access(door_of(at), access, value);
      i++;
      continue;
    }
    Record records[RECORDS_MAX];
    uint32_t filled = 0;
    while (i < count && filled < RECORDS_MAX && door_of(bytes + ACCESS_BYTES * i) == RING)
      records[filled++] = decode_record(machine, bytes + ACCESS_BYTES * i++);
    doors_answer(records, filled);
  }
}

/* What is freed here is only libFuzzer's: nothing worth keeping. */
const char *__asan_default_options(void) { return "detect_leaks=0:malloc_context_size=0:quarantine_size_mb=4"; }

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  (void)count;
  (void)arguments;
  memory_map();
  doors_open();
  atexit(print_counts);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t bytes[MACHINE_BYTES + FUNCTIONS_MAX * FUNCTION_BYTES + ACCESSES_MAX * ACCESS_BYTES];
  static uint8_t last[MACHINE_BYTES + FUNCTIONS_MAX * FUNCTION_BYTES];
  static Machine machine;
  size_t all = machine_bytes(data, size);
  size_t count = size > all + ACCESS_BYTES ? (size - all + ACCESS_BYTES - 1) / ACCESS_BYTES : 1;
  if (count > ACCESSES_MAX)
    count = ACCESSES_MAX;
  size_t used = all + ACCESS_BYTES * count, given = size < used ? size : used;
  memcpy(bytes, data, given);
  memset(bytes + given, 0, used - given);
  /* Most inputs differ from the one before in their accesses alone. */
  if (counts.machines == 0 || memcmp(bytes, last, all) != 0) {
    machine_decode(&machine, bytes);
    lay_out(&machine);
    doors_machine(&machine);
    memcpy(last, bytes, all);
    counts.machines++;
    if (getenv("TRAPLINE_PRINT_LAYOUT"))
      print_layout(&machine);
  }
  doors_start();
  run(&machine, bytes + all, count);
  doors_finish();
  counts.inputs++;
  counts.accesses += count;
  return 0;
}
