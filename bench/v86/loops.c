/*
 * Loops to be timed. Asks for work as the executor does: the host has put kind, address, and rounds into RAM; when the
 * loop is over it asks again. An idle machine computes and touches RAM only.
 */
#include "runtime.h"

#define WORK 0x300000u
#define SERIAL 0x3f8

enum { NOTHING, READ, WRITE, COMPUTE, WAIT };

static void loop(u32 kind, u32 at, u32 rounds)
{
  u32 sum = 0;
  switch (kind) {
  case READ:
    __asm__ volatile("1: movl (%2), %%eax; addl %%eax, %0; decl %1; jnz 1b" : "+r"(sum), "+r"(rounds) : "r"(at) : "eax", "memory");
    break;
  case WRITE:
    __asm__ volatile("1: movl %1, (%2); decl %1; jnz 1b" : "+r"(sum), "+r"(rounds) : "r"(at) : "memory");
    break;
  case COMPUTE:
    __asm__ volatile("1: movl (%2), %%eax; addl %%eax, %0; imull $3, %0; decl %1; jnz 1b" : "+r"(sum), "+r"(rounds) : "r"(at) : "eax", "memory");
    break;
  case WAIT:
    /* Tells of each interrupt by a write. */
    while (rounds--) { wait_for_interrupt(); write32(at, rounds); }
    break;
  }
}

void main(void)
{
  for (;;) {
    out8(SERIAL, 'r');
    loop(read32(WORK), read32(WORK + 4), read32(WORK + 8));
  }
}
