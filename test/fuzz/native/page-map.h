/* A machine in linear memory: by the contract of assembly/layout.ts, as src/engine/page-map.ts lays it out. */
#ifndef PAGE_MAP_H
#define PAGE_MAP_H

#include "machine.h"

/* Where the entries of each function's table are. */
extern uint32_t storage_of[FUNCTIONS_MAX];

/* In place of the machine before. */
void lay_out(Machine *machine);

/* An entry's halves are exchanged where the table starts at 8 mod 16 and the address selects the field. */
static inline bool is_swapped(const Function *function) {
  return function->field_by_address && function->table.start % 16 == 8;
}

#endif
