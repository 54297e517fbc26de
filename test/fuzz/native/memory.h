/*
 * Linear memory: 4 GiB of addresses, of which only the regions below have bytes. They are mapped twice. `seen` is what
 * the wasm has: read-only where it must not write, and under AddressSanitizer poisoned where no structure is. `laid` is
 * the harness's: all of it, writable.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

#include "layout.h"

/* Nodes of the page map beyond the three that are always there. */
#define MIDS 32
#define LEAVES 32
#define NODES_END (HEAP + (MIDS + LEAVES) * NODE_SIZE)
/* Kind maps, mixed pages, pointers of own pages: across 2^31, where signed arithmetic would show. */
#define MAPS 0x7fff0000u
#define MAPS_END 0x80040000u
/* Pages in linear memory, then what the wasm writes: tables and rings, up to the last page that 32 bits can count. */
#define OWN 0xffe00000u
#define OWN_PAGE_COUNT 8
#define OWN_END (OWN + OWN_PAGE_COUNT * 4096u)
#define STORE 0xffe10000u
#define STORE_END 0xffff0000u

extern uint8_t *seen, *laid;

void memory_map(void);

/* A block with the contract's alignment, poisoned bytes on both sides. */
uint32_t allocate_map(uint32_t size);
/* The same; of `size` bytes the first `owned` are the wasm's. */
uint32_t allocate_store(uint32_t size, uint32_t owned);
/* How far the store is in use. */
uint32_t store_end(void);
void free_all(void);
/* Back to where the store was, which rings are put after. */
void free_store_from(uint32_t end);

uint32_t allocate_mid(void);
uint32_t allocate_leaf(void);
/* No more nodes are needed: those left over are nobody's. */
void nodes_done(void);

/* The first pages of OWN are in use, or not. */
void show_own_pages(uint32_t count);
uint32_t own_pages_shown(void);

static inline uint32_t *words_at(uint32_t address) { return (uint32_t *)(void *)(laid + address); }

#endif
