/*
 * Executes what the host asks for: writes 'r' to the serial port, upon which the host has put a list of operations into
 * RAM, executes them in order, leaves the values that it read in them, and asks again. A count of all ones ends it.
 */
#include "runtime.h"

#define COUNT 0x300000u
#define FIRST 0x300010u
#define COPY 0x2ff000u
#define SERIAL 0x3f8

enum { READ, WRITE, CONFIG_READ, CONFIG_WRITE, ADD, COPY_IN, COPY_OUT, PORT_READ, PORT_WRITE, CALL, INTERRUPTS, WAIT };

struct operation {
  u8 kind, width;
  /* Of configuration cycles device << 3 | function; of copies the number of elements; port; interrupt vector. */
  u16 where;
  u32 address;
  u32 data[4];
  u32 result[4];
};

static void copy(void *to, const void *from, u32 count, u32 width)
{
  if (width == 1) __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  else if (width == 2) __asm__ volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
  else __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void execute(struct operation *op)
{
  u32 at = op->address;
  switch (op->kind) {
  case READ:
    if (op->width == 1) op->result[0] = read8(at);
    else if (op->width == 2) op->result[0] = read16(at);
    else if (op->width == 4) op->result[0] = read32(at);
    else if (op->width == 8) read64(at, op->result);
    else read128(at, op->result);
    break;
  case WRITE:
    if (op->width == 1) write8(at, op->data[0]);
    else if (op->width == 2) write16(at, op->data[0]);
    else if (op->width == 4) write32(at, op->data[0]);
    else if (op->width == 8) write64(at, op->data);
    else write128(at, op->data);
    break;
  case CONFIG_READ:
    if (op->width == 1) op->result[0] = config_read8(op->where, at);
    else if (op->width == 2) op->result[0] = config_read16(op->where, at);
    else op->result[0] = config_read32(op->where, at);
    break;
  case CONFIG_WRITE:
    if (op->width == 1) config_write8(op->where, at, op->data[0]);
    else if (op->width == 2) config_write16(op->where, at, op->data[0]);
    else config_write32(op->where, at, op->data[0]);
    break;
  case ADD:
    __asm__ volatile("addl %0, (%1)" : : "r"(op->data[0]), "r"(at) : "memory");
    break;
  case COPY_IN:
    for (int i = 0; i < 4; i++) ((u32 *)COPY)[i] = 0;
    copy((void *)COPY, (const void *)at, op->where, op->width);
    for (int i = 0; i < 4; i++) op->result[i] = ((u32 *)COPY)[i];
    break;
  case COPY_OUT:
    for (int i = 0; i < 4; i++) ((u32 *)COPY)[i] = op->data[i];
    copy((void *)at, (const void *)COPY, op->where, op->width);
    break;
  case PORT_READ:
    op->result[0] = op->width == 1 ? in8(op->where) : op->width == 2 ? in16(op->where) : in32(op->where);
    break;
  case PORT_WRITE:
    if (op->width == 1) out8(op->where, op->data[0]);
    else if (op->width == 2) out16(op->where, op->data[0]);
    else out32(op->where, op->data[0]);
    break;
  case CALL:
    for (u32 left = op->data[0]; left; left--) op->result[0] = ((u32 (*)(void))at)();
    break;
  case INTERRUPTS:
    enable_interrupts();
    __asm__ volatile("nop");
    disable_interrupts();
    op->result[0] = interrupts[op->where];
    break;
  case WAIT:
    wait_for_interrupt();
    op->result[0] = interrupts[op->where];
  }
}

void main(void)
{
  for (;;) {
    out8(SERIAL, 'r');
    u32 count = read32(COUNT);
    if (count == ~0u) return;
    for (u32 i = 0; i < count; i++) execute((struct operation *)FIRST + i);
  }
}
