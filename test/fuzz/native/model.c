#include "model.h"

#include <stdlib.h>

#include "layout.h"

#define MASKED 1u
#define TOUCHED_MAX 4096

static Entry entries[FUNCTIONS_MAX][VECTORS_MAX];
Touched touched[TOUCHED_MAX];
int touched_count;

static const Entry RESET = {{0, 0, 0, MASKED}, false};

/* Entries are kept as their difference from a reset one, so that all zero is one. */
static uint32_t *field_of(const Function *function, uint32_t index, uint32_t field) {
  return &entries[function->index][index].fields[field / 4];
}

static uint32_t get(const Function *function, uint32_t index, uint32_t field) {
  return *field_of(function, index, field) ^ RESET.fields[field / 4];
}

static void set(const Function *function, uint32_t index, uint32_t field, uint32_t value) {
  if (touched_count == TOUCHED_MAX)
    abort();
  touched[touched_count++] = (Touched){function, index};
  *field_of(function, index, field) = value ^ RESET.fields[field / 4];
}

const Entry *model_entry(const Function *function, uint32_t index) {
  static Entry entry;
  for (uint32_t i = 0; i < 4; i++)
    entry.fields[i] = get(function, index, 4 * i);
  entry.updated = entries[function->index][index].updated;
  return &entry;
}

void model_reset(void) {
  while (touched_count > 0) {
    const Touched *one = &touched[--touched_count];
    entries[one->function->index][one->index] = (Entry){{0, 0, 0, 0}, false};
  }
}

static bool is_width(uint32_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

static Answer with_page(int32_t code, uint32_t id) { return (Answer){.outcome = (int32_t)((uint32_t)code | id << 8)}; }

/* Reads all ones, in all 64 bits; a write is dropped. */
static Answer dropped(void) { return (Answer){.low = ~0u, .high = ~0u, .has_high = true}; }

/* Writing a field takes effect at the next unmask; of vector control only the mask exists, and only its change matters.
 */
static bool write_field(const Function *function, uint32_t index, uint32_t field, uint32_t value) {
  if (field == 12) {
    if ((value & MASKED) == get(function, index, field))
      return false;
    set(function, index, field, value & MASKED);
    return true;
  }
  set(function, index, field, value);
  entries[function->index][index].updated = true;
  return false;
}

/* "Software must use aligned full DWORD or aligned full QWORD": this one is. */
static Answer in_table(const Access *access, const Function *function, uint32_t id) {
  uint64_t from_start = access->address - function->table.start;
  uint32_t index = (uint32_t)(from_start / 16);
  uint32_t field = (function->field_by_address ? access->address : from_start) % 16;
  bool wide = access->width == 8;
  if (!access->writes) {
    uint32_t high = wide ? get(function, index, field + 4) : 0;
    return (Answer){.low = get(function, index, field), .high = high, .has_high = wide};
  }
  bool changed = write_field(function, index, field, access->low);
  if (wide)
    changed |= write_field(function, index, field + 4, access->high);
  return changed ? with_page(VECTOR, id) : (Answer){0};
}

/* All of its bytes are in one cell of 8, which has one owner. */
static Answer aligned(Machine *machine, const Page *page, const Access *access) {
  Owner owner = machine_owner(machine, page, access->address);
  uint32_t id = page->mixed ? owner.id : page->id;
  switch (owner.whose) {
  case NOBODYS:
    return dropped();
  case TABLES:
    return access->width < 4 ? with_page(REFUSED, id) : in_table(access, owner.function, id);
  case PBAS:
    if (!(machine->pba_widths & access->width))
      return with_page(REFUSED, id);
    if (access->writes && !machine->pba_writable)
      return dropped();
    break;
  case DEVICES:
    break;
  }
  if (!page->mixed)
    return with_page(FORWARDED, id);
  Answer answer = with_page(FORWARDED_AT, id);
  answer.has_offset = true;
  answer.offset = owner.offset;
  return answer;
}

/* Bytes of the same kind are split, if the kind allows single ones; others are TypeScript's. */
static Answer unaligned(Machine *machine, const Page *page, const Access *access) {
  uint64_t end = access->address + access->width - 1;
  Owner first = machine_owner(machine, page, access->address);
  if (page->mixed)
    return with_page(STRADDLE, first.id);
  bool leaves_page = page_of(end) != page->start;
  Whose last = leaves_page ? NOBODYS : machine_owner(machine, page, end).whose;
  bool one_kind = !leaves_page && last == first.whose;
  if (!machine->splits_crossing && first.whose == TABLES)
    return with_page(REFUSED, page->id);
  if (!one_kind)
    return with_page(STRADDLE, page->id);
  if (first.whose == NOBODYS)
    return dropped();
  if (first.whose == TABLES)
    return with_page(REFUSED, page->id);
  if (first.whose == PBAS && !(machine->pba_widths & 1))
    return with_page(REFUSED, page->id);
  if (first.whose == PBAS && access->writes && !machine->pba_writable)
    return dropped();
  return with_page(SPLIT, page->id);
}

static const Page *page_at(const Machine *machine, const Access *access) {
  if (access->nowhere || access->address >= ADDRESS_LIMIT)
    return NULL;
  return machine_page(machine, access->address);
}

Answer model_answer(Machine *machine, const Access *access) {
  const Page *page = page_at(machine, access);
  if (!page || !is_width(access->width))
    return with_page(UNCLAIMED_ACCESS, 0);
  if (access->address % access->width)
    return unaligned(machine, page, access);
  return aligned(machine, page, access);
}

bool model_device_word(Machine *machine, uint64_t address, Owner *owner, bool *moved) {
  const Page *page = machine_page(machine, address);
  if (!page || address % 4)
    return false;
  *owner = machine_owner(machine, page, address);
  *moved = page->mixed;
  return owner->whose == DEVICES;
}

bool model_is_other(Machine *machine, const Access *access) {
  const Page *page = page_at(machine, access);
  if (!page)
    return false;
  if (page->mixed)
    return true;
  Owner first = machine_owner(machine, page, access->address);
  if (access->address % 4) {
    uint64_t end = access->address + 3;
    return !(first.whose == DEVICES && page_of(end) == page->start &&
             machine_owner(machine, page, end).whose == DEVICES);
  }
  return first.whose == NOBODYS || (first.whose == PBAS && !(machine->pba_widths & 4));
}
