#include "runtime.h"

#define SERIAL 0x3f8
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define APIC_EOI (APIC + 0xb0)
#define APIC_SPURIOUS (APIC + 0xf0)
#define APIC_TIMER (APIC + 0x320)
#define APIC_COUNT (APIC + 0x380)
#define APIC_DIVIDE (APIC + 0x3e0)
/* One shot; v86's counts 10^9 a second, here divided by 128. */
#define TIMER 0x20
#define TICKS (1000000 / 128)

volatile u32 interrupts[256];
const char *command_line = "";

static struct { u16 low, segment; u8 zero, type; u16 high; } __attribute__((packed)) gates[256];
extern u8 stubs[];

void interrupt(u32 vector)
{
  interrupts[vector]++;
  write32(APIC_EOI, 0);
}

void prepare(u32 multiboot)
{
  /* Flag 2: there is a command line. */
  if (read32(multiboot) & 4) command_line = (const char *)read32(multiboot + 16);
  for (u32 vector = 0x20; vector < 256; vector++) {
    u32 at = (u32)stubs + 8 * (vector - 0x20);
    gates[vector].low = at;
    gates[vector].segment = 8;
    gates[vector].type = 0x8e;
    gates[vector].high = at >> 16;
  }
  struct { u16 limit; u32 base; } __attribute__((packed)) pointer = { sizeof gates - 1, (u32)gates };
  __asm__ volatile("lidt %0" : : "m"(pointer));
  /* The PICs are masked; messages come by the local APIC. */
  out8(0x21, 0xff);
  out8(0xa1, 0xff);
  write32(APIC_SPURIOUS, 0x1ff);
}

void wait_at_most(u32 milliseconds)
{
  write32(APIC_TIMER, TIMER);
  write32(APIC_DIVIDE, 0xa);
  write32(APIC_COUNT, milliseconds * TICKS);
  wait_for_interrupt();
  write32(APIC_COUNT, 0);
}

void print(const char *text)
{
  for (; *text; text++) out8(SERIAL, *text);
}

void print_hex(u32 value, int digits)
{
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out8(SERIAL, "0123456789abcdef"[(value >> shift) & 15]);
}

void print_number(u32 value)
{
  if (value >= 10) print_number(value / 10);
  out8(SERIAL, '0' + value % 10);
}

static void select(u32 where, u32 offset) { out32(CONFIG_ADDRESS, 0x80000000u | where << 8 | (offset & 0xfc)); }
u32 config_read32(u32 where, u32 offset) { select(where, offset); return in32(CONFIG_DATA); }
u16 config_read16(u32 where, u32 offset) { select(where, offset); return in16(CONFIG_DATA + (offset & 2)); }
u8 config_read8(u32 where, u32 offset) { select(where, offset); return in8(CONFIG_DATA + (offset & 3)); }
void config_write32(u32 where, u32 offset, u32 value) { select(where, offset); out32(CONFIG_DATA, value); }
void config_write16(u32 where, u32 offset, u16 value) { select(where, offset); out16(CONFIG_DATA + (offset & 2), value); }
void config_write8(u32 where, u32 offset, u8 value) { select(where, offset); out8(CONFIG_DATA + (offset & 3), value); }

u32 find_capability(u32 where, u8 id)
{
  if (!(config_read16(where, 6) & 0x10)) return 0;
  u32 at = config_read8(where, 0x34) & 0xfc;
  for (int left = 48; at && left; left--) {
    if (config_read8(where, at) == id) return at;
    at = config_read8(where, at + 1) & 0xfc;
  }
  return 0;
}
