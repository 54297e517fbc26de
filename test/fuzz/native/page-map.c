#include "page-map.h"

#include <string.h>

#include "memory.h"

uint32_t storage_of[FUNCTIONS_MAX];

/* Bytes of a page with one owner, from `from` to before `to`. */
typedef struct {
  uint32_t from, to;
  Owner owner;
} Span;

#define SPANS_MAX 128

static void add_cut(uint32_t *cuts, int *count, uint64_t page, uint64_t address) {
  if (address <= page || address >= page + PAGE_BYTES)
    return;
  uint32_t cut = (uint32_t)(address - page);
  int at = *count;
  while (at > 0 && cuts[at - 1] > cut)
    at--;
  if (at > 0 && cuts[at - 1] == cut)
    return;
  memmove(cuts + at + 1, cuts + at, (size_t)(*count - at) * sizeof *cuts);
  cuts[at] = cut;
  ++*count;
}

static void add_structure_cuts(uint32_t *cuts, int *count, uint64_t page, const Function *function) {
  add_cut(cuts, count, page, function->table.start);
  add_cut(cuts, count, page, function->table.end);
  add_cut(cuts, count, page, function->pba.start);
  add_cut(cuts, count, page, function->pba.end);
}

/* Where a page's owner, or the host page behind it, may change. */
static int cuts_of(const Machine *machine, const Page *page, uint32_t *cuts) {
  int count = 0;
  if (machine->by_newest) {
    add_structure_cuts(cuts, &count, page->start, page->newest);
    return count;
  }
  for (int i = 0; i < machine->function_count; i++) {
    const Function *function = &machine->functions[i];
    for (int b = 0; b < function->bar_count; b++) {
      const Bar *bar = &function->bars[b];
      if (!touches(bar->guest, page->start))
        continue;
      add_cut(cuts, &count, page->start, bar->guest.start);
      add_cut(cuts, &count, page->start, bar->guest.end);
      if (function->has_msix)
        add_structure_cuts(cuts, &count, page->start, function);
      uint64_t first = bar->guest.start > page->start ? bar->guest.start : page->start;
      uint64_t host = bar->host + (first - bar->guest.start);
      add_cut(cuts, &count, page->start, first + PAGE_BYTES - host % PAGE_BYTES);
    }
  }
  return count;
}

static int spans_of(Machine *machine, const Page *page, Span *spans) {
  uint32_t cuts[SPANS_MAX];
  int count = cuts_of(machine, page, cuts);
  for (int i = 0; i <= count; i++) {
    uint32_t from = i ? cuts[i - 1] : 0;
    spans[i] = (Span){from, i < count ? cuts[i] : PAGE_BYTES, machine_owner(machine, page, page->start + from)};
  }
  return count + 1;
}

/* One host page, at equal offsets, and no more than one table: the kind bytes say all. */
static bool is_plain(const Span *spans, int count, uint32_t *id) {
  const Function *table = NULL;
  *id = 0;
  for (int i = 0; i < count; i++) {
    const Owner *owner = &spans[i].owner;
    if (owner->whose == NOBODYS)
      continue;
    if (*id == 0)
      *id = owner->id;
    if (owner->id != *id || owner->offset != spans[i].from)
      return false;
    if (owner->whose != TABLES)
      continue;
    if (table && table != owner->function)
      return false;
    table = owner->function;
  }
  return true;
}

/* The kind byte of a cell: of a table's, whether message address or data is there. */
static uint8_t kind_at(const Machine *machine, const Owner *owner, uint64_t address) {
  if (owner->whose == NOBODYS)
    return NOBODY;
  if (owner->whose == DEVICES)
    return FORWARD;
  if (owner->whose == PBAS)
    return PBA | machine->pba_widths;
  uint64_t field = owner->function->field_by_address ? address : address - owner->function->table.start;
  return field % VECTOR_SIZE >= 8 ? TABLE_DATA : TABLE_ADDRESS;
}

/* What leads from an address's low lane to its place in the table's storage. */
static uint32_t table_bias(const Function *function) {
  return storage_of[function->index] - (uint32_t)function->table.start;
}

static uint32_t flags_base(const Function *function) {
  uint32_t storage = storage_of[function->index];
  return storage + VECTOR_SIZE * function->count - (storage >> 4);
}

static void write_kinds(const Machine *machine, const Page *page, const Span *spans, int count, uint8_t *kinds) {
  for (int i = 0; i < count; i++) {
    uint32_t from = spans[i].from / CELL_SIZE, to = spans[i].to / CELL_SIZE;
    uint8_t first = kind_at(machine, &spans[i].owner, page->start + spans[i].from);
    memset(kinds + from, first, to - from);
    if (spans[i].owner.whose != TABLES)
      continue;
    for (uint32_t cell = from + 1; cell < to; cell += 2)
      kinds[cell] = first ^ CONTROL;
  }
}

static void write_record(uint32_t record, uint32_t data, uint32_t kinds, uint32_t page, uint32_t flags) {
  uint32_t *words = words_at(record);
  words[DATA / 4] = data;
  words[KINDS / 4] = kinds;
  words[PAGE / 4] = page;
  words[FLAGS / 4] = flags;
}

/* A table's span is two in the block, as its cells alternate between address and data. */
static uint32_t write_mixed(const Machine *machine, const Page *page, const Span *spans, int count) {
  uint32_t block = allocate_map(SPANS + 2 * ENTRY_SIZE * (uint32_t)count);
  uint16_t *cells = (uint16_t *)(void *)(laid + block);
  for (int i = 0; i < count; i++) {
    const Owner *owner = &spans[i].owner;
    bool table = owner->whose == TABLES;
    for (uint32_t half = 0; half < 2; half++) {
      write_record(block + SPANS + ENTRY_SIZE * (2 * (uint32_t)i + half),
                   table ? table_bias(owner->function) : owner->offset - spans[i].from,
                   kind_at(machine, owner, page->start + spans[i].from + CELL_SIZE * half), owner->id,
                   table ? flags_base(owner->function) : 0);
    }
    uint32_t from = spans[i].from / CELL_SIZE;
    for (uint32_t cell = from; cell < spans[i].to / CELL_SIZE; cell++)
      cells[cell] = (uint16_t)(2 * i + (table ? (cell - from) % 2 : 0));
  }
  return block;
}

/* What was written, to be taken back. */
static uint32_t entries_used[PAGES_MAX], mid_slots_used[PAGES_MAX], top_slots_used[PAGES_MAX];
static int entries_count, mid_slots_count, top_slots_count;

static uint32_t entry_of(uint64_t address) {
  uint32_t top_slot = TOP + 4 * (uint32_t)(address >> 38);
  uint32_t *top = words_at(top_slot);
  if (*top == EMPTY_MID) {
    *top = allocate_mid();
    top_slots_used[top_slots_count++] = top_slot;
  }
  uint32_t mid_slot = *top + 4 * (uint32_t)(address >> 24 & (NODE_POINTERS - 1));
  uint32_t *mid = words_at(mid_slot);
  if (*mid == EMPTY_LEAF) {
    *mid = allocate_leaf();
    mid_slots_used[mid_slots_count++] = mid_slot;
  }
  return *mid + ENTRY_SIZE * (uint32_t)(address >> 12 & (NODE_ENTRIES - 1));
}

static void clear(void) {
  while (entries_count > 0)
    write_record(entries_used[--entries_count], 0, NO_KINDS, 0, 0);
  while (mid_slots_count > 0)
    *words_at(mid_slots_used[--mid_slots_count]) = EMPTY_LEAF;
  while (top_slots_count > 0)
    *words_at(top_slots_used[--top_slots_count]) = EMPTY_MID;
  free_all();
}

static void lay_out_page(Machine *machine, Page *page) {
  Span spans[SPANS_MAX];
  int count = spans_of(machine, page, spans);
  uint32_t entry = entry_of(page->start);
  entries_used[entries_count++] = entry;
  page->mixed = !is_plain(spans, count, &page->id);
  if (page->mixed) {
    write_record(entry, 0, MIXED_KINDS, write_mixed(machine, page, spans, count), 0);
    return;
  }
  uint32_t kinds = allocate_map(CELLS);
  write_kinds(machine, page, spans, count, laid + kinds);
  const Function *table = NULL;
  for (int i = 0; i < count; i++) {
    if (spans[i].owner.whose == TABLES)
      table = spans[i].owner.function;
  }
  write_record(entry, table ? table_bias(table) : 0, kinds, page->id, table ? flags_base(table) : 0);
}

/* Every entry masked, all else zero. The wasm has no business with the last part, the `armed` bytes. */
static void lay_out_table(const Function *function) {
  uint32_t size = (VECTOR_SIZE + 2) * function->count;
  uint32_t storage = allocate_store(size, (VECTOR_SIZE + 1) * function->count);
  storage_of[function->index] = storage;
  memset(laid + storage, 0, size);
  uint32_t control = is_swapped(function) ? 4 : 12;
  for (uint32_t i = 0; i < function->count; i++)
    laid[storage + VECTOR_SIZE * i + control] = 1;
}

/* The first host page of a function may be in linear memory. The cell points to where id 0 would be. */
static void lay_out_own_pages(Machine *machine) {
  uint32_t count = 0;
  uint32_t pointers = allocate_map(4 * (uint32_t)machine->host_page_count + 4);
  const Function *last = NULL;
  for (int i = 0; i < machine->host_page_count; i++) {
    HostPage *page = &machine->host_pages[i];
    if (page->function != last && page->function->owns_page && count < OWN_PAGE_COUNT)
      page->own = OWN + PAGE_BYTES * count++;
    last = page->function;
    words_at(pointers)[i] = page->own;
  }
  show_own_pages(count);
  *words_at(OWN_PAGES) = pointers - 4 * machine->first_id;
}

void lay_out(Machine *machine) {
  clear();
  for (int i = 0; i < machine->function_count; i++) {
    if (machine->functions[i].has_msix)
      lay_out_table(&machine->functions[i]);
  }
  for (int i = 0; i < machine->page_count; i++)
    lay_out_page(machine, &machine->pages[i]);
  lay_out_own_pages(machine);
  nodes_done();
}
