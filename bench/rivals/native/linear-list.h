#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096u
#define ONES (~0ull)

/* A BAR as it is now: the guest moves and disables it. */
typedef struct {
  uint64_t address;
  bool enabled;
} Bar;

/* Table or PBA: bytes of a BAR. */
typedef struct {
  uint8_t bir;
  uint32_t offset;
  uint32_t size;
} Structure;

/* Where a function has what. The counterpart of the bench's FunctionDescription. */
typedef struct {
  uint64_t bar_address;
  uint32_t vectors;
  uint32_t table_offset;
  uint32_t pba_offset;
} Description;

typedef struct Function Function;

/* A guest: its functions, the newest first. */
typedef struct {
  Function *functions;
  /* The host's page that holds the address. */
  uint8_t *(*map_page)(uint64_t address);
  /* Accesses that were split into bytes. */
  uint64_t unaligned;
} Domain;

void assign_function(Domain *domain, const Description *description);

/* Accesses of 1, 2, 4 and 8 bytes. False: nobody has the address. */
bool read_access(Domain *domain, uint64_t address, unsigned width, uint64_t *data);
bool write_access(Domain *domain, uint64_t address, unsigned width, uint64_t data);
