#include "print.h"

#include <inttypes.h>
#include <stdio.h>

#include "memory.h"
#include "page-map.h"

static void print_bytes(uint32_t address, uint32_t size) {
  for (uint32_t i = 0; i < size; i++)
    printf("%02x", laid[address + i]);
  printf("\n");
}

static void print_function(const Function *function) {
  printf("function %d %d", function->has_msix, function->software);
  printf(" %d %u %d %" PRIx64 " %d %" PRIx64, function->index, function->count, function->table_bar,
         function->table.start, function->pba_bar, function->pba.start);
  printf(" %x\n", storage_of[function->index]);
  for (int i = 0; i < function->bar_count; i++) {
    const Bar *bar = &function->bars[i];
    printf("bar %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", bar->guest.start, bar->guest.end - bar->guest.start, bar->host);
  }
}

/* The spans that a mixed page's cells name. */
static uint32_t block_size(uint32_t block) {
  uint32_t last = 0;
  for (uint32_t cell = 0; cell < CELLS; cell++) {
    uint32_t span = laid[block + 2 * cell] | (uint32_t)laid[block + 2 * cell + 1] << 8;
    if (span > last)
      last = span;
  }
  return SPANS + ENTRY_SIZE * (last + 1);
}

void print_layout(const Machine *machine) {
  printf("machine %d %d\n", machine->by_newest, machine->trap_all);
  for (int i = 0; i < machine->function_count; i++)
    print_function(&machine->functions[i]);
  for (int i = 0; i < machine->host_page_count; i++) {
    const HostPage *page = &machine->host_pages[i];
    printf("host %x %d %" PRIx64 "\n", page->id, page->function->index, page->key);
  }
  for (int i = 0; i < machine->page_count; i++) {
    const Page *page = &machine->pages[i];
    uint32_t mid = *words_at(TOP + 4 * (uint32_t)(page->start >> 38));
    uint32_t leaf = *words_at(mid + 4 * (uint32_t)(page->start >> 24 & (NODE_POINTERS - 1)));
    uint32_t entry = leaf + ENTRY_SIZE * (uint32_t)(page->start >> 12 & (NODE_ENTRIES - 1));
    uint32_t kinds = words_at(entry)[KINDS / 4], block = words_at(entry)[PAGE / 4];
    printf("page %" PRIx64 "\n", page->start);
    print_bytes(entry, ENTRY_SIZE);
    if (kinds == MIXED_KINDS)
      print_bytes(block, block_size(block));
    else
      print_bytes(kinds, CELLS);
  }
}
