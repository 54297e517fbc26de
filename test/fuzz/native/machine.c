#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Where functions are: where indices of the page map carry over, below 4 GiB, and at the end of the addresses. */
static const uint64_t BASES[] = {
    0,
    0xfe000000,
    0xffffe000,
    0x100000000,
    (1ull << 24) - 0x2000,
    (1ull << 36) - 0x2000,
    0x380000000,
    0x80000000,
    (1ull << 38) - 0x2000,
    (1ull << 51) - 0x1000,
    ADDRESS_LIMIT - 0x10000,
    ADDRESS_LIMIT - 0x3000,
    0xe0000000,
    0x7ffff000,
    0xfffffe000,
    0x123456789000,
};

/* Ids have 24 bits. */
static const uint32_t FIRST_IDS[] = {1, 0x7fff80, 0xfffe00, 0x1234};

static int function_count(const uint8_t *bytes) { return 1 + (bytes[1] >> 6); }

size_t machine_bytes(const uint8_t *bytes, size_t size) {
  return MACHINE_BYTES + FUNCTION_BYTES * (size_t)(size > 1 ? function_count(bytes) : 1);
}

static uint32_t u24(const uint8_t *bytes) { return bytes[0] | bytes[1] << 8 | (uint32_t)bytes[2] << 16; }

/* A multiple of 8 in [0, room]. */
static uint64_t offset_within(const uint8_t *bytes, uint64_t room) { return u24(bytes) * 8ull % (room + 8); }

/* Naturally aligned after `at`, as BARs are. */
static uint64_t place(uint64_t at, uint8_t gap, uint64_t size) {
  at += (uint64_t)(gap & 63) << (4 + 4 * (gap >> 6));
  return (at + size - 1) & ~(size - 1);
}

static Range range(uint64_t start, uint64_t size) { return (Range){start, start + size}; }

/*
 * +0 bit 0 two BARs, 1 PBA in the last, 2 no hardware, 3 its first host page is in linear memory, 4 no MSI-X, 5 over
 * the functions before (Xen), 6 table in the last BAR, 7 structures outside of their BARs (Xen)  +1 +2 the BARs' sizes,
 * 2^4 to 2^24  +3 +13 gaps before them  +4 u16 vectors  +6 u24 +9 u24 cells before table and PBA  +12 the host's offset
 * in 16s
 */
static void decode_function(Machine *machine, Function *function, const uint8_t *bytes, uint64_t *at) {
  uint8_t flags = bytes[0];
  memset(function, 0, sizeof *function);
  function->index = (int)(function - machine->functions);
  function->bar_count = 1 + (flags & 1);
  for (int i = 0; i < function->bar_count; i++) {
    uint64_t size = 1ull << (4 + bytes[1 + i] % 21);
    uint64_t start = place(*at, bytes[i ? 13 : 3], size);
    function->bars[i].guest = range(start, size);
    /* Pages elsewhere; at the same offset in them, or at another. */
    function->bars[i].host = (1ull << 40) * (uint64_t)(2 * function->index + i + 1) + start + 16 * bytes[12];
    *at = start + size;
  }
  function->has_msix = !(flags & 16);
  if (!function->has_msix)
    return;
  function->table_bar = flags & 64 ? function->bar_count - 1 : 0;
  function->pba_bar = flags & 2 ? function->bar_count - 1 : 0;
  uint64_t size = function->bars[function->table_bar].guest.end - function->bars[function->table_bar].guest.start;
  uint64_t pba_room = function->bars[function->pba_bar].guest.end - function->bars[function->pba_bar].guest.start;
  uint64_t fitting = size / 16 < pba_room * 8 ? size / 16 : pba_room * 8;
  function->count = 1 + ((bytes[4] | bytes[5] << 8) & (VECTORS_MAX - 1));
  /* Xen takes structures that are not in their BARs. */
  bool anywhere = machine->by_newest && flags & 128;
  if (function->count > fitting && !anywhere)
    function->count = (uint32_t)fitting;
  uint64_t pba_size = 8 * ((function->count + 63ull) / 64);
  function->table =
      range(function->bars[function->table_bar].guest.start +
                (anywhere ? u24(bytes + 6) * 8ull : offset_within(bytes + 6, size - 16 * function->count)),
            16 * function->count);
  function->pba = range(function->bars[function->pba_bar].guest.start +
                            (anywhere ? u24(bytes + 9) * 8ull : offset_within(bytes + 9, pba_room - pba_size)),
                        pba_size);
  function->software = flags & 4;
  function->owns_page = flags & 8;
  function->field_by_address = machine->by_newest;
}

static uint32_t host_page(Machine *machine, const Function *function, uint64_t key) {
  for (int i = 0; i < machine->host_page_count; i++) {
    if (machine->host_pages[i].key == key && machine->host_pages[i].function == function)
      return machine->host_pages[i].id;
  }
  if (machine->host_page_count == HOST_PAGES_MAX) {
    fprintf(stderr, "trapline: the harness has no room for another host page\n");
    abort();
  }
  HostPage *page = &machine->host_pages[machine->host_page_count];
  *page = (HostPage){function, key, machine->first_id + (uint32_t)machine->host_page_count++, 0};
  return page->id;
}

const HostPage *machine_host_page(const Machine *machine, uint32_t id) {
  return &machine->host_pages[id - machine->first_id];
}

/* No host page has such a number: an emulated PBA's page, and the four that Xen keeps of a function. */
#define PENDING (~0ull)
#define SLOT(number) (~1ull - (number))

/* Which of Xen's slots has a page: that of the structure's head or tail, the table's first. */
static uint64_t slot_of(const Function *function, uint64_t page) {
  if (page == page_of(function->table.start))
    return SLOT(0);
  if (page == page_of(function->table.end - 1))
    return SLOT(1);
  return page == page_of(function->pba.start) ? SLOT(2) : SLOT(3);
}

static Owner owner(Whose whose, Machine *machine, const Function *function, uint64_t key, uint64_t offset) {
  return (Owner){whose, function, host_page(machine, function, key), (uint32_t)(offset % PAGE_BYTES)};
}

static Owner pba_owner(Machine *machine, const Function *function, uint64_t address, uint64_t key, uint64_t host) {
  if (function->software)
    return owner(PBAS, machine, function, PENDING, address - function->pba.start);
  return owner(PBAS, machine, function, key, host);
}

/* A byte in table and PBA is the PBA's. What no BAR has is nobody's. */
Owner machine_owner(Machine *machine, const Page *page, uint64_t address) {
  if (machine->by_newest) {
    const Function *function = page->newest;
    uint64_t key = slot_of(function, page->start);
    if (holds(function->pba, address))
      return pba_owner(machine, function, address, key, address);
    return owner(holds(function->table, address) ? TABLES : DEVICES, machine, function, key, address);
  }
  for (int i = 0; i < machine->function_count; i++) {
    const Function *function = &machine->functions[i];
    for (int b = 0; b < function->bar_count; b++) {
      const Bar *bar = &function->bars[b];
      if (!holds(bar->guest, address))
        continue;
      uint64_t host = bar->host + (address - bar->guest.start);
      bool table_here = function->has_msix && function->table_bar == b;
      bool pba_here = function->has_msix && function->pba_bar == b;
      if (pba_here && holds(function->pba, address))
        return pba_owner(machine, function, address, page_of(host), host);
      return owner(table_here && holds(function->table, address) ? TABLES : DEVICES, machine, function, page_of(host),
                   host);
    }
  }
  return (Owner){NOBODYS, NULL, 0, 0};
}

const Page *machine_page(const Machine *machine, uint64_t address) {
  uint64_t start = page_of(address);
  for (int i = 0; i < machine->page_count; i++) {
    if (machine->pages[i].start == start)
      return &machine->pages[i];
  }
  return NULL;
}

static void add_page(Machine *machine, uint64_t start, const Function *newest) {
  if (start >= ADDRESS_LIMIT)
    return;
  for (int i = 0; i < machine->page_count; i++) {
    if (machine->pages[i].start != start)
      continue;
    machine->pages[i].newest = newest;
    return;
  }
  if (machine->page_count == PAGES_MAX) {
    fprintf(stderr, "trapline: the harness has no room for another page\n");
    abort();
  }
  machine->pages[machine->page_count++] = (Page){start, false, 0, newest};
}

static void add_pages(Machine *machine, Range range, const Function *newest) {
  for (uint64_t page = page_of(range.start); page < range.end; page += PAGE_BYTES)
    add_page(machine, page, newest);
}

static int bars_on(const Machine *machine, uint64_t page) {
  int count = 0;
  for (int i = 0; i < machine->function_count; i++) {
    const Function *function = &machine->functions[i];
    for (int b = 0; b < function->bar_count; b++)
      count += touches(function->bars[b].guest, page);
  }
  return count;
}

/* Each byte its owner's: pages of structures, pages that BARs share, and those that the host has at other offsets. */
static void add_pages_of_bar(Machine *machine, const Function *function, int b) {
  const Bar *bar = &function->bars[b];
  if (function->has_msix && function->table_bar == b)
    add_pages(machine, function->table, NULL);
  if (function->has_msix && function->pba_bar == b)
    add_pages(machine, function->pba, NULL);
  uint64_t size = bar->guest.end - bar->guest.start;
  if (machine->trap_all && size <= 4 * PAGE_BYTES) {
    add_pages(machine, bar->guest, NULL);
    return;
  }
  bool fits = (bar->host - bar->guest.start) % PAGE_BYTES == 0;
  uint64_t edge = page_of(bar->guest.start);
  if (size < PAGE_BYTES && (!fits || bars_on(machine, edge) > 1))
    add_page(machine, edge, NULL);
}

/*
 * +0 bit 0 the rules of Xen, 1 writes reach the PBA, 2 crossing accesses are not split, 3 BARs trap, 7..6 the first id
 * +1 3..0 the PBA's widths, 7..6 functions  +2 where they are, +3 in steps of 64 KiB
 */
void machine_decode(Machine *machine, const uint8_t *bytes) {
  uint8_t flags = bytes[0];
  machine->by_newest = flags & 1;
  machine->pba_writable = flags & 2;
  machine->splits_crossing = !(flags & 4);
  machine->trap_all = flags & 8;
  machine->first_id = FIRST_IDS[flags >> 6];
  machine->pba_widths = bytes[1] & 15;
  machine->function_count = function_count(bytes);
  machine->page_count = machine->host_page_count = 0;

  uint64_t base = BASES[bytes[2] & 15] + (uint64_t)(bytes[3] & 3) * 16 * PAGE_BYTES, at = base;
  for (int i = 0; i < machine->function_count; i++) {
    const uint8_t *from = bytes + MACHINE_BYTES + i * FUNCTION_BYTES;
    /* Only Xen takes BARs over one another. */
    if (machine->by_newest && from[0] & 32)
      at = base;
    decode_function(machine, &machine->functions[i], from, &at);
  }
  for (int i = 0; i < machine->function_count; i++) {
    const Function *function = &machine->functions[i];
    if (machine->by_newest && function->has_msix) {
      add_pages(machine, function->table, function);
      add_pages(machine, function->pba, function);
    } else if (!machine->by_newest) {
      for (int b = 0; b < function->bar_count; b++)
        add_pages_of_bar(machine, function, b);
    }
  }
}
