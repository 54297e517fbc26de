#define _GNU_SOURCE
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISONS 1
#endif
#endif
#ifndef POISONS
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define SPACE (1ull << 32)
#define GRAIN 64u

uint8_t *seen, *laid;

static uint32_t next_map = MAPS, next_store = STORE;
static uint32_t mids, leaves, shown_mids, shown_leaves;

static void *checked(void *address) {
  if (address == MAP_FAILED) {
    perror("trapline: mmap");
    exit(2);
  }
  return address;
}

static uint8_t *reserve(void) {
  return checked(mmap(NULL, SPACE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* Both views of [start, end). */
static void map_region(int file, uint32_t start, uint32_t end, int protection) {
  off_t at = lseek(file, 0, SEEK_END);
  size_t size = end - start;
  if (at < 0 || ftruncate(file, at + (off_t)size) != 0) {
    perror("trapline: ftruncate");
    exit(2);
  }
  checked(mmap(laid + start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, at));
  checked(mmap(seen + start, size, protection, MAP_SHARED | MAP_FIXED, file, at));
  ASAN_POISON_MEMORY_REGION(seen + start, size);
}

static void show(uint32_t address, uint32_t size) { ASAN_UNPOISON_MEMORY_REGION(seen + address, size); }

static void clear_pointers(uint32_t node, uint32_t pointer) {
  for (uint32_t i = 0; i < NODE_POINTERS; i++)
    words_at(node)[i] = pointer;
}

static void clear_entries(uint32_t node) {
  for (uint32_t entry = 0; entry < NODE_ENTRIES; entry++)
    words_at(node + entry * ENTRY_SIZE)[KINDS / 4] = NO_KINDS;
}

void memory_map(void) {
  int file = memfd_create("linear memory", 0);
  if (file < 0) {
    perror("trapline: memfd_create");
    exit(2);
  }
  seen = reserve();
  laid = reserve();
  map_region(file, 0, TOP, PROT_READ | PROT_WRITE);
  map_region(file, TOP, NODES_END, PROT_READ);
  map_region(file, MAPS, MAPS_END, PROT_READ);
  map_region(file, OWN, OWN_END, PROT_READ | PROT_WRITE);
  map_region(file, STORE, STORE_END, PROT_READ | PROT_WRITE);
  close(file);

  show(STATUS, OWN_PAGES + 4 - STATUS);
  show(NO_KINDS, CELLS);
  show(MIXED_KINDS, CELLS);
  memset(laid + MIXED_KINDS, MIXED, CELLS);
  show(TOP, HEAP - TOP);
  clear_pointers(TOP, EMPTY_MID);
  clear_pointers(EMPTY_MID, EMPTY_LEAF);
  clear_entries(EMPTY_LEAF);
  for (uint32_t i = 0; i < MIDS; i++)
    clear_pointers(HEAP + i * NODE_SIZE, EMPTY_LEAF);
  for (uint32_t i = 0; i < LEAVES; i++)
    clear_entries(HEAP + (MIDS + i) * NODE_SIZE);
}

static uint32_t allocate(uint32_t *next, uint32_t end, uint32_t size, uint32_t owned) {
  uint32_t block = *next + GRAIN;
  if (end - block < size + GRAIN) {
    fprintf(stderr, "trapline: the harness has no room for %u bytes\n", size);
    abort();
  }
  *next = (block + size + GRAIN - 1) & ~(GRAIN - 1);
  show(block, owned);
  return block;
}

uint32_t allocate_map(uint32_t size) { return allocate(&next_map, MAPS_END, size, size); }

uint32_t allocate_store(uint32_t size, uint32_t owned) { return allocate(&next_store, STORE_END, size, owned); }

uint32_t store_end(void) { return next_store; }

void free_store_from(uint32_t end) {
  ASAN_POISON_MEMORY_REGION(seen + end, next_store - end);
  next_store = end;
}

void free_all(void) {
  ASAN_POISON_MEMORY_REGION(seen + MAPS, next_map - MAPS);
  next_map = MAPS;
  free_store_from(STORE);
  mids = leaves = 0;
}

/* Nodes stay visible from one machine to the next where it has them too. */
static uint32_t allocate_node(uint32_t first, uint32_t limit, uint32_t *used, uint32_t *shown) {
  uint32_t node = first + *used * NODE_SIZE;
  if (*used == limit) {
    fprintf(stderr, "trapline: the harness has no room for another node\n");
    abort();
  }
  if (++*used > *shown) {
    *shown = *used;
    show(node, NODE_SIZE);
  }
  return node;
}

uint32_t allocate_mid(void) { return allocate_node(HEAP, MIDS, &mids, &shown_mids); }

uint32_t allocate_leaf(void) { return allocate_node(HEAP + MIDS * NODE_SIZE, LEAVES, &leaves, &shown_leaves); }

static void hide_nodes(uint32_t first, uint32_t used, uint32_t *shown) {
  if (*shown > used)
    ASAN_POISON_MEMORY_REGION(seen + first + used * NODE_SIZE, (*shown - used) * NODE_SIZE);
  *shown = used;
}

void nodes_done(void) {
  hide_nodes(HEAP, mids, &shown_mids);
  hide_nodes(HEAP + MIDS * NODE_SIZE, leaves, &shown_leaves);
}

static uint32_t own_pages;

void show_own_pages(uint32_t count) {
  uint8_t *pages = seen + OWN;
  if (count > own_pages)
    ASAN_UNPOISON_MEMORY_REGION(pages + own_pages * 4096, (count - own_pages) * 4096);
  if (count < own_pages)
    ASAN_POISON_MEMORY_REGION(pages + count * 4096, (own_pages - count) * 4096);
  own_pages = count;
}

uint32_t own_pages_shown(void) { return own_pages; }
