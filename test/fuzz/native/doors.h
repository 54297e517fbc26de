/* The doors of the wasm: an access by each of them, held to the model. A difference is printed in one line and aborts.
 */
#ifndef DOORS_H
#define DOORS_H

#include "model.h"

typedef enum {
  READ4,
  READ,
  WRITE4,
  WRITE,
  TRAP_READ,
  TRAP_WRITE,
  RING,
  MMAP_READ8,
  MMAP_READ32,
  MMAP_WRITE8,
  MMAP_WRITE16,
  MMAP_WRITE32,
  MMAP_WRITE64,
  MMAP_WRITE128,
  DOORS,
} Door;

/* A request of Xen's device models, but for its address, data, width and direction. */
typedef struct {
  Access access;
  uint32_t count;
  uint32_t port;
  /* As in assembly/layout.ts, the direction included. */
  uint32_t tail;
} Record;

#define RECORDS_MAX 16

void doors_open(void);
/* A machine was laid out. */
void doors_machine(Machine *machine);
/* Tables, cells and pages as at first. */
void doors_start(void);
/* By any door but the ring; `number` is the address for JavaScript's, and where it is that of the rest. */
void doors_access(Door door, Access access, double number);
void doors_answer(const Record *records, uint32_t count);
/* Everything is as the model has it, wherever nobody looked. */
void doors_finish(void);

/* How many situations an access was in so far: door, outcome, plain or mixed page, rules of Xen or not. */
int doors_situations(void);

#endif
