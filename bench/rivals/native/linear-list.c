/*
 * The algorithm of the Xen patch "vpci/msix: handle accesses adjacent to the MSI-X table", as one writes it down from its
 * description: a guest's functions in a list that each access walks, conditions on addresses, no table prepared
 * beforehand. Without locks: one thread.
 */
#include "linear-list.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_SIZE 16u
#define BARS 6

enum { TABLE_FIRST_PAGE, TABLE_LAST_PAGE, PBA_FIRST_PAGE, PBA_LAST_PAGE, PAGES };

typedef struct {
  uint64_t address;
  uint32_t data;
  bool masked;
  /* Written since it was last given to the interrupt controller. */
  bool updated;
} Entry;

struct Function {
  Function *next;
  Bar bars[BARS];
  Structure table, pba;
  /* Of table and PBA the first page and the last, each mapped on first use. */
  uint8_t *pages[PAGES];
  Entry entries[];
};

static uint64_t page_of(uint64_t address) { return address / PAGE_SIZE; }

static uint64_t start_of(const Function *function, const Structure *structure) {
  return function->bars[structure->bir].address + structure->offset;
}

static uint64_t first_page(const Function *function, const Structure *structure) {
  return page_of(start_of(function, structure));
}

static uint64_t last_page(const Function *function, const Structure *structure) {
  return page_of(start_of(function, structure) + structure->size - 1);
}

static bool holds(const Function *function, const Structure *structure, uint64_t address) {
  uint64_t start = start_of(function, structure);
  return address >= start && address < start + structure->size;
}

static bool same_page(const Function *function, const Structure *structure, uint64_t address) {
  uint64_t page = page_of(address);
  return page >= first_page(function, structure) && page <= last_page(function, structure);
}

static bool claims(const Function *function, const Structure *structure, uint64_t address) {
  return function->bars[structure->bir].enabled && same_page(function, structure, address);
}

static Function *find(const Domain *domain, uint64_t address) {
  for (Function *function = domain->functions; function; function = function->next)
    if (claims(function, &function->table, address) || claims(function, &function->pba, address))
      return function;
  return NULL;
}

/* On a page of table or PBA, and not the table. */
static bool is_adjacent(const Function *function, uint64_t address) {
  if (holds(function, &function->pba, address))
    return true;
  if (holds(function, &function->table, address))
    return false;
  return same_page(function, &function->table, address) || same_page(function, &function->pba, address);
}

static unsigned slot_of(const Function *function, uint64_t page) {
  if (page == first_page(function, &function->table))
    return TABLE_FIRST_PAGE;
  if (page == last_page(function, &function->table))
    return TABLE_LAST_PAGE;
  return page == first_page(function, &function->pba) ? PBA_FIRST_PAGE : PBA_LAST_PAGE;
}

static uint8_t *byte_at(const Domain *domain, Function *function, uint64_t address) {
  uint8_t **page = &function->pages[slot_of(function, page_of(address))];
  if (!*page)
    *page = domain->map_page(address - address % PAGE_SIZE);
  return *page + address % PAGE_SIZE;
}

static bool is_aligned(uint64_t address, unsigned width) { return (address & (width - 1)) == 0; }

static uint64_t read_adjacent(Domain *domain, Function *function, uint64_t address, unsigned width) {
  if (!is_adjacent(function, address + width - 1))
    return ONES;
  if (!is_aligned(address, width)) {
    uint64_t data = 0;
    domain->unaligned++;
    for (unsigned index = 0; index < width; index++)
      data |= (read_adjacent(domain, function, address + index, 1) & 0xff) << (8 * index);
    return data;
  }
  const volatile uint8_t *byte = byte_at(domain, function, address);
  switch (width) {
  case 1:
    return *byte;
  case 2:
    return *(const volatile uint16_t *)byte;
  case 4:
    return *(const volatile uint32_t *)byte;
  default:
    return *(const volatile uint64_t *)byte;
  }
}

static void write_adjacent(Domain *domain, Function *function, uint64_t address, unsigned width, uint64_t data) {
  uint64_t last = address + width - 1;
  if (!is_adjacent(function, last))
    return;
  /* PCIe 7.7.2.9: the PBA is not written by software. What a guest writes is dropped. */
  if (holds(function, &function->pba, address) || holds(function, &function->pba, last))
    return;
  if (!is_aligned(address, width)) {
    domain->unaligned++;
    for (unsigned index = 0; index < width; index++)
      write_adjacent(domain, function, address + index, 1, data >> (8 * index));
    return;
  }
  volatile uint8_t *byte = byte_at(domain, function, address);
  switch (width) {
  case 1:
    *byte = (uint8_t)data;
    break;
  case 2:
    *(volatile uint16_t *)byte = (uint16_t)data;
    break;
  case 4:
    *(volatile uint32_t *)byte = (uint32_t)data;
    break;
  default:
    *(volatile uint64_t *)byte = data;
  }
}

/* PCIe 7.7.2: software accesses the table by aligned DWORDs and QWORDs. */
static bool may_access_table(uint64_t address, unsigned width) {
  return (width == 4 || width == 8) && is_aligned(address, width);
}

static Entry *entry_at(Function *function, uint64_t address) {
  return &function->entries[(address - start_of(function, &function->table)) / ENTRY_SIZE];
}

static uint64_t read_table(Function *function, uint64_t address, unsigned width) {
  if (!may_access_table(address, width))
    return ONES;
  const Entry *entry = entry_at(function, address);
  switch (address % ENTRY_SIZE) {
  case 0:
    return width == 8 ? entry->address : (uint32_t)entry->address;
  case 4:
    return entry->address >> 32;
  case 8:
    return entry->data | (width == 8 ? (uint64_t)entry->masked << 32 : 0);
  default:
    return entry->masked;
  }
}

static void write_table(Function *function, uint64_t address, unsigned width, uint64_t data) {
  if (!may_access_table(address, width))
    return;
  Entry *entry = entry_at(function, address);
  switch (address % ENTRY_SIZE) {
  case 0:
    entry->updated = true;
    entry->address = width == 8 ? data : (entry->address & ~0xffffffffull) | (uint32_t)data;
    break;
  case 4:
    entry->updated = true;
    entry->address = (uint32_t)entry->address | data << 32;
    break;
  case 8:
    entry->updated = true;
    entry->data = (uint32_t)data;
    if (width == 8)
      entry->masked = data >> 32 & 1;
    break;
  default:
    entry->masked = data & 1;
  }
}

bool read_access(Domain *domain, uint64_t address, unsigned width, uint64_t *data) {
  Function *function = find(domain, address);
  if (!function)
    return false;
  *data = is_adjacent(function, address) ? read_adjacent(domain, function, address, width)
                                         : read_table(function, address, width);
  return true;
}

bool write_access(Domain *domain, uint64_t address, unsigned width, uint64_t data) {
  Function *function = find(domain, address);
  if (!function)
    return false;
  if (is_adjacent(function, address))
    write_adjacent(domain, function, address, width, data);
  else
    write_table(function, address, width, data);
  return true;
}

void assign_function(Domain *domain, const Description *description) {
  uint32_t vectors = description->vectors;
  Function *function = calloc(1, sizeof *function + vectors * sizeof *function->entries);
  if (!function) {
    perror("linear-list");
    exit(2);
  }
  function->bars[0] = (Bar){description->bar_address, true};
  function->table = (Structure){0, description->table_offset, ENTRY_SIZE * vectors};
  function->pba = (Structure){0, description->pba_offset, 8 * ((vectors + 63) / 64)};
  for (uint32_t vector = 0; vector < vectors; vector++)
    function->entries[vector].masked = true;
  function->next = domain->functions;
  domain->functions = function;
}
