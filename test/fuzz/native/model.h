/*
 * What an access means, from the rules: PCI Express 7.7.2 for tables and pending-bit arrays, the policies for the rest.
 * It knows machines, and nothing of linear memory.
 */
#ifndef MODEL_H
#define MODEL_H

#include "machine.h"

typedef struct {
  uint64_t address;
  /* No address that a guest has: of another kind than integers of 52 bits. */
  bool nowhere;
  uint32_t width;
  bool writes;
  /* What is written, in lanes. */
  uint32_t low, high;
} Access;

typedef struct {
  /* 0: done. Else what TypeScript is to do, and with which host page, as in assembly/layout.ts. */
  int32_t outcome;
  /* Where in the host page, if that is not the offset in the guest's. */
  bool has_offset;
  uint32_t offset;
  /* Of a read that is done: the value, and whether it has a high lane. */
  uint32_t low, high;
  bool has_high;
} Answer;

/* Every table as after a reset. */
void model_reset(void);
Answer model_answer(Machine *machine, const Access *access);

/* What v86 has of aligned words of host pages: the page and the offset there. False: nothing. */
bool model_device_word(Machine *machine, uint64_t address, Owner *owner, bool *moved);
/* What the 4-byte read leaves to the one for any width. */
bool model_is_other(Machine *machine, const Access *access);

/* Entries that were written since the reset, the latest last. */
typedef struct {
  const Function *function;
  uint32_t index;
} Touched;
extern Touched touched[];
extern int touched_count;

/* An entry, by its fields: address, upper address, data, vector control. */
typedef struct {
  uint32_t fields[4];
  bool updated;
} Entry;
const Entry *model_entry(const Function *function, uint32_t index);

#endif
