/* The guest of machine.ts: finds its functions, and checks what their accesses and interrupts do. */
#include "runtime.h"

/* Device registers: see device.ts. */
#define ID 0x00
#define RAISE 0x04
#define RAISE_AFTER 0x08
#define RAISED 0x0c
#define TRAP 0x50415254u
#define SENT 1
#define PENDING 2

#define COMMAND 0x04
#define MEMORY 0x0002
#define BAR(index) (0x10 + 4 * (index))
#define CONTROL 2
#define ENABLE 0x8000
#define FUNCTION_MASK 0x4000
#define ONES 0xffffffffu
/* Message address: fixed, to the APIC of id 0. */
#define MESSAGE 0xfee00000u

/* At most. */
#define BARS 3
#define RANGES 5

/* A range of bytes that is memory, from its BAR's start. */
struct memory { u8 bar; u16 offset, size; const char *name; };

/* What each function must be like. BARs of a function lie on one another as here, and move together. */
struct function {
  u32 where;
  u16 device;
  u8 bars, wide;
  struct { u32 size, address, moved; } bar[BARS];
  u32 entries, table, pba;
  /* Interrupt vector of entry 0. */
  u8 first;
  struct memory memory[RANGES];
};

static const struct function functions[] = {
  { 0x40, 0x5402, 3, 0,
    { { 0x100, 0xd1924600, 0xd2000300 }, { 0x200, 0xd1924400, 0xd2001200 }, { 0x400, 0xd1924000, 0xd2000400 } },
    2, 0x80, 0xa0, 0x50,
    { { 0, 0x10, 0x70, "before the table" }, { 0, 0xa8, 0x58, "behind the PBA" },
      { 1, 0, 0x200, "BAR1 on its page" }, { 2, 0, 0x400, "BAR2 on its page" } } },
  { 0x48, 0x5440, 1, 1,
    { { 0x4000, 0xf2000000, 0xf3ff4000 } },
    64, 0x1400, 0x2800, 0x60,
    { { 0, 0x1000, 0x400, "before the table" }, { 0, 0x1800, 0x800, "behind the table" },
      { 0, 0x2000, 0x800, "before the PBA" }, { 0, 0x2808, 0x7f8, "behind the PBA" },
      { 0, 0x3000, 0x1000, "on a page of its own" } } },
};
#define FUNCTIONS (sizeof functions / sizeof *functions)

static const struct function *fn;
/* Where its BARs are now. */
static u32 at[BARS];
static u32 capability;

static u32 passed, failed;
/* Of the current step: comparisons that failed, and the first of them. */
static u32 faults, compared, got, expected;

static void equal(u32 is, u32 should)
{
  compared++;
  if (is == should) return;
  if (!faults++) got = is, expected = should;
}

static void print_where(u32 where)
{
  print("00:"); print_hex(where >> 3, 2); print("."); print_number(where & 7);
}

/* Ends a step. */
static void step(const char *text, const char *more)
{
  print(faults ? "FAIL " : "PASS ");
  print_where(fn->where); print(" "); print(text); print(more);
  if (faults) {
    print(": "); print_number(faults); print(" of "); print_number(compared); print(" wrong, first 0x");
    print_hex(got, 8); print(" not 0x"); print_hex(expected, 8);
    failed++;
  } else passed++;
  print("\n");
  faults = compared = 0;
}

static u32 table(u32 entry, u32 field) { return at[0] + fn->table + 16 * entry + field; }
static u32 pba(void) { return at[0] + fn->pba; }
static void control(u16 bits) { config_write16(fn->where, capability + CONTROL, bits); }
static void mask(u32 entry, u32 on) { write32(table(entry, 12), on); }

/* What comes now is taken. */
static void take_interrupts(void) { __asm__ volatile("sti; nop; nop; cli" : : : "memory"); }

static u32 counts[256];
static void count_from_here(void)
{
  take_interrupts();
  for (u32 vector = 0; vector < 256; vector++) counts[vector] = interrupts[vector];
}

/* Since then exactly these came: `times` of the entry's vector, none of any other. */
static void came(u32 entry, u32 times)
{
  take_interrupts();
  for (u32 vector = 0; vector < 256; vector++)
    equal(interrupts[vector] - counts[vector], vector == fn->first + entry ? times : 0);
}

/* The PBA has this entry's bit or none, in each 4 bytes, and in all 8. */
static void pending(u32 entry, u32 is)
{
  for (u32 word = 0; word < 2; word++) {
    u32 bits = is && entry / 32 == word ? 1u << entry % 32 : 0;
    u32 wide[2] = { 0x5a5a5a5a, 0x5a5a5a5a };
    equal(read32(pba() + 4 * word), bits);
    read64(pba(), wide);
    equal(wide[word], bits);
  }
}

static u32 pattern(u32 seed) { return (seed + 1) * 0x9e3779b1u ^ fn->device; }
static u8 pattern8(u32 offset, u32 seed) { return pattern(offset + 977 * seed) >> 13; }

/* Functions of this kind, and where the last one is. */
static void find(void)
{
  u32 found = 0, where = ONES;
  for (u32 one = 0; one < 256; one++)
    if (config_read32(one, 0) == (0x1234u | (u32)fn->device << 16)) found++, where = one;
  equal(found, 1);
  equal(where, fn->where);
  equal(config_read32(fn->where, 8) >> 8, 0xff0000);
  step("found on bus 0, class ff0000", "");
}

static void size(void)
{
  u32 registers = fn->wide ? 2 * fn->bars : fn->bars;
  for (u32 index = 0; index < 6; index++) {
    u32 low = index < registers && !(fn->wide && index & 1);
    u32 before = config_read32(fn->where, BAR(index));
    config_write32(fn->where, BAR(index), ONES);
    u32 high = index < registers && !low ? ONES : 0;
    equal(config_read32(fn->where, BAR(index)), low ? -fn->bar[fn->wide ? index / 2 : index].size | (fn->wide ? 4 : 0) : high);
    config_write32(fn->where, BAR(index), before);
    equal(config_read32(fn->where, BAR(index)), before);
  }
  step("BARs sized: ", fn->wide ? "16 KiB of 64 bits" : "256, 512 and 1024 bytes of 32 bits");
}

/* Writes the BARs. The bits below the size are read-only. */
static void place(u32 moved)
{
  for (u32 index = 0; index < fn->bars; index++) {
    at[index] = moved ? fn->bar[index].moved : fn->bar[index].address;
    u32 offset = BAR(fn->wide ? 2 * index : index);
    config_write32(fn->where, offset, at[index] | 0x3b);
    equal(config_read32(fn->where, offset), at[index] | (fn->wide ? 4 : 0));
    if (!fn->wide) continue;
    config_write32(fn->where, offset + 4, 0);
    equal(config_read32(fn->where, offset + 4), 0);
  }
}

static void decode(void)
{
  place(0);
  equal(config_read16(fn->where, COMMAND) & MEMORY, 0);
  for (u32 index = 0; index < fn->bars; index++) {
    write32(at[index] + 0x20, 1);
    equal(read32(at[index]), ONES);
    equal(read16(at[index] + 2), 0xffff);
    equal(read8(at[index] + 0x20), 0xff);
  }
  step("BARs placed; COMMAND.MEMORY off reads ones", "");
  config_write16(fn->where, COMMAND, MEMORY);
  equal(config_read16(fn->where, COMMAND), MEMORY);
  equal(read32(at[0] + ID), TRAP);
  equal(read16(at[0] + ID), TRAP & 0xffff);
  equal(read16(at[0] + ID + 1), TRAP >> 8 & 0xffff);
  equal(read8(at[0] + ID + 3), TRAP >> 24);
  equal(read32(at[0] + RAISED), 0);
  /* What was written while it was off is not there, and behind the BAR is nothing. */
  for (u32 index = 0; index < fn->bars; index++) equal(read32(at[index] + 0x20), 0);
  equal(read32(at[0] + fn->bar[0].size), ONES);
  step("COMMAND.MEMORY on reads the registers", "");
}

static void find_msix(void)
{
  capability = find_capability(fn->where, MSIX);
  equal(capability != 0, 1);
  config_write16(fn->where, capability + CONTROL, 0x3fff);
  config_write32(fn->where, capability + 4, ONES);
  config_write32(fn->where, capability + 8, ONES);
  equal(config_read16(fn->where, capability + CONTROL), fn->entries - 1);
  equal(config_read32(fn->where, capability + 4), fn->table);
  equal(config_read32(fn->where, capability + 8), fn->pba);
  step("MSI-X capability: size, BIRs and offsets, read-only", "");
}

static u32 data_of(u32 entry) { return fn->first + entry; }

static void program(void)
{
  for (u32 entry = 0; entry < fn->entries; entry++) {
    equal(read32(table(entry, 0)), 0);
    equal(read32(table(entry, 4)), 0);
    equal(read32(table(entry, 8)), 0);
    equal(read32(table(entry, 12)), 1);
  }
  step("entries at first: zero and masked", "");
  for (u32 entry = 0; entry < fn->entries; entry++) {
    u32 wide[2] = { data_of(entry), ONES };
    write32(table(entry, 0), ~pattern(entry) & ~3);
    write32(table(entry, 4), pattern(entry));
    /* Odd entries: data and vector control at once. */
    if (entry & 1) write64(table(entry, 8), wide);
    else write32(table(entry, 8), wide[0]);
  }
  for (u32 entry = 0; entry < fn->entries; entry++) {
    u32 wide[2] = { 0, 0 };
    equal(read32(table(entry, 0)), ~pattern(entry) & ~3);
    equal(read32(table(entry, 4)), pattern(entry));
    read64(table(entry, 8), wide);
    equal(wide[0], data_of(entry));
    equal(wide[1], 1);
    write32(table(entry, 0), MESSAGE);
    write32(table(entry, 4), 0);
    equal(read32(table(entry, 0)), MESSAGE);
    equal(read32(table(entry, 4)), 0);
  }
  step("entries programmed and read back, 4 and 8 bytes", "");
  for (u32 entry = 0; entry < fn->entries; entry++) {
    write32(table(entry, 12), 0xfffffffe);
    equal(read32(table(entry, 12)), 0);
    write32(table(entry, 12), ONES);
    equal(read32(table(entry, 12)), 1);
    equal(read32(table(entry, 8)), data_of(entry));
  }
  step("vector control: bit 0 kept, the others reserved", "");
}

/* An access that the table must not take leaves it as it is. */
static void refused(void)
{
  for (u32 entry = 0; entry < fn->entries; entry += fn->entries - 1) {
    u32 zeros[2] = { 0, 0 };
    for (u32 offset = 0; offset < 16; offset++) {
      equal(read8(table(entry, offset)), 0xff);
      write8(table(entry, offset), 0);
      if (offset < 15) {
        equal(read16(table(entry, offset)), 0xffff);
        write16(table(entry, offset), 0);
      }
      if (offset & 3 && offset < 13) {
        equal(read32(table(entry, offset)), ONES);
        write32(table(entry, offset), 0);
      }
    }
    write64(table(entry, 4), zeros);
    equal(read32(table(entry, 0)), MESSAGE);
    equal(read32(table(entry, 8)), data_of(entry));
    equal(read32(table(entry, 12)), 1);
  }
  step("table: 1, 2 and unaligned bytes read ones, write nothing", "");
}

static void raise(u32 entry, u32 outcome)
{
  write32(at[0] + RAISE, entry);
  equal(read32(at[0] + RAISE), outcome);
}

static void interrupt_once(void)
{
  control(ENABLE);
  equal(config_read16(fn->where, capability + CONTROL), ENABLE | (fn->entries - 1));
  for (u32 entry = 0; entry < fn->entries; entry++) {
    mask(entry, 0);
    count_from_here();
    raise(entry, SENT);
    came(entry, 1);
    mask(entry, 1);
  }
  pending(0, 0);
  step("each entry interrupts once, with its vector", "");
}

/* Ways to mask: by the entry, by the function, by MSI-X being off. */
static void masked_by(const char *what, u16 while_masked, u32 vector_control)
{
  u32 raised = read32(at[0] + RAISED);
  for (u32 entry = 0; entry < fn->entries; entry += fn->entries - 1) {
    control(ENABLE);
    mask(entry, 0);
    count_from_here();
    control(while_masked);
    mask(entry, vector_control);
    raise(entry, PENDING);
    raise(entry, PENDING);
    came(entry, 0);
    pending(entry, 1);
    write32(pba(), 0);
    write32(pba() + 4, ONES);
    write8(pba() + entry / 8, 0);
    pending(entry, 1);
    control(ENABLE);
    mask(entry, 0);
    came(entry, 1);
    pending(entry, 0);
    mask(entry, 1);
    came(entry, 1);
    raised += 2;
  }
  equal(read32(at[0] + RAISED), raised);
  step(what, ": pending in the PBA, sent once when it ends");
}

static void sleep_ends(void)
{
  u32 entry = fn->entries - 1;
  mask(entry, 0);
  count_from_here();
  write32(at[0] + RAISE_AFTER, entry << 16 | 5);
  equal(read32(at[0] + RAISE_AFTER), entry << 16 | 5);
  wait_at_most(2000);
  came(entry, 1);
  equal(read32(at[0] + RAISE_AFTER), 0);
  mask(entry, 1);
  step("an interrupt ends HLT", "");
}

static const struct memory *range;
static u32 range_at(u32 offset) { return at[range->bar] + range->offset + offset; }

/* Where bytes are looked at beside the `width` at `offset`. */
#define BESIDE 16
static u32 start(u32 offset) { return offset < BESIDE ? 0 : offset - BESIDE; }
static u32 end(u32 offset) { return offset + BESIDE < range->size ? offset + BESIDE : range->size; }

/* One access of 1, 2, 4, 8 or 16 bytes. */
static void write_bytes(u32 to, u32 width, const u8 *from)
{
  if (width == 1) write8(to, *from);
  else if (width == 2) write16(to, *(const u16 *)from);
  else if (width == 4) write32(to, *(const u32 *)from);
  else if (width == 8) write64(to, from);
  else write128(to, from);
}

static void read_bytes(u32 from, u32 width, u8 *to)
{
  if (width == 1) *to = read8(from);
  else if (width == 2) *(u16 *)to = read16(from);
  else if (width == 4) *(u32 *)to = read32(from);
  else if (width == 8) read64(from, to);
  else read128(from, to);
}

/* The range keeps what is written there at once, and nothing beside it changes. */
static void keeps(u32 offset, u32 width)
{
  u8 bytes[16], back[16] = { 0 };
  for (u32 index = 0; index < width; index++) bytes[index] = ~pattern8(offset + index, width);
  /* v86 extends the sign of the low half of 8 bytes that it reads into the high half. */
  if (width == 8) bytes[3] &= 0x7f;
  for (u32 one = start(offset); one < end(offset + width); one++) write8(range_at(one), pattern8(one, width));
  write_bytes(range_at(offset), width, bytes);
  read_bytes(range_at(offset), width, back);
  for (u32 index = 0; index < width; index++) equal(back[index], bytes[index]);
  for (u32 one = start(offset); one < end(offset + width); one++)
    equal(read8(range_at(one)), one - offset < width ? bytes[one - offset] : pattern8(one, width));
}

static void registers(void)
{
  for (range = fn->memory; range < fn->memory + RANGES && range->size; range++) {
    for (u32 width = 1; width <= 16; width *= 2) {
      keeps(0, width);
      keeps(range->size / 2 & ~15, width);
      keeps(range->size - width, width);
    }
    step("registers keep 1, 2, 4, 8 and 16 bytes: ", range->name);
    for (u32 offset = 1; offset < 12; offset++) {
      if (offset & 1) keeps(offset, 2);
      if (offset & 3) keeps(offset, 4);
    }
    keeps(range->size - 3, 2);
    keeps(range->size - 5, 4);
    step("registers keep unaligned 2 and 4 bytes: ", range->name);
  }
}

/* Registers end where the table begins. */
static void across(void)
{
  u32 edge = table(0, 0);
  write32(edge - 4, 0x44332211);
  equal(read32(edge - 2), 0xffff4433);
  equal(read32(edge - 1), 0xffffff44);
  equal(read16(edge - 1), 0xff44);
  write32(edge - 2, 0x88776655);
  write16(edge - 1, 0xaa99);
  equal(read32(edge - 4), 0x99552211);
  equal(read32(edge), MESSAGE);
  step("across registers and table: the registers' bytes, ones", "");
  if (fn->bars < 2) return;
  u32 last = at[0] - 4;
  write32(last, 0xddccbbaa);
  equal(read32(last + 1), (TRAP & 0xff) << 24 | 0xddccbb);
  equal(read32(last + 3), TRAP << 8 | 0xdd);
  write32(last + 2, 0x0000eeff);
  equal(read32(last), 0xeeffbbaa);
  equal(read32(at[0] + ID), TRAP);
  step("across BAR1 and BAR0: bytes of both", "");
}

static void moved(void)
{
  u32 before[BARS], id = read32(at[0] + ID), bytes[RANGES];
  for (u32 index = 0; index < fn->bars; index++) before[index] = at[index];
  for (u32 index = 0; index < RANGES && fn->memory[index].size; index++)
    write32(at[fn->memory[index].bar] + fn->memory[index].offset + 12, bytes[index] = pattern(40 + index));
  config_write16(fn->where, COMMAND, 0);
  place(1);
  config_write16(fn->where, COMMAND, MEMORY);
  for (u32 index = 0; index < fn->bars; index++) equal(read32(before[index] + 12), ONES);
  equal(read32(at[0] + ID), id);
  equal(id, TRAP);
  for (u32 index = 0; index < RANGES && fn->memory[index].size; index++)
    equal(read32(at[fn->memory[index].bar] + fn->memory[index].offset + 12), bytes[index]);
  for (u32 entry = 0; entry < fn->entries; entry++) {
    equal(read32(table(entry, 0)), MESSAGE);
    equal(read32(table(entry, 8)), data_of(entry));
    equal(read32(table(entry, 12)), 1);
  }
  step("BARs moved: the same registers and entries there, ones before", "");
  masked_by("moved, and masked by vector control", ENABLE, 1);
}

/* Interrupts of the entries that `live` uses. */
static u32 entries_used(void) { return fn->entries < 4 ? fn->entries : 4; }
static u32 count(void)
{
  u32 sum = 0;
  for (u32 entry = 0; entry < entries_used(); entry++) sum += interrupts[fn->first + entry];
  return sum;
}

/* What a driver would access on an interrupt. */
static void serve(u32 number)
{
  u32 scratch = at[0] + fn->memory[0].offset;
  u32 raised = read32(at[0] + RAISED), bits = read32(pba());
  write32(scratch, number);
  write16(scratch + 5, number);
  if (number > 8 && number % 64) return;
  print_where(fn->where); print(" interrupt "); print_number(number); print(", raised "); print_number(raised);
  print(", pending 0x"); print_hex(bits, 8); print(", scratch 0x"); print_hex(read32(scratch + 3), 8); print("\n");
}

/*
 * Each function raises the next entry a while after the interrupt of the one before. One that stands still, because its
 * decoding or MSI-X was off or masked, is told again each second.
 */
static void live(void)
{
  u32 first[FUNCTIONS], seen[FUNCTIONS];
  print("live\n");
  for (u32 round = 0;; round++) {
    for (fn = functions; fn < functions + FUNCTIONS; fn++) {
      u32 index = fn - functions, now = count();
      at[0] = fn->bar[0].moved;
      if (!round) {
        first[index] = seen[index] = now;
        for (u32 entry = 0; entry < entries_used(); entry++) mask(entry, 0);
      } else if (now != seen[index]) serve((seen[index] = now) - first[index]);
      else if (read32(at[0] + RAISE_AFTER)) continue;
      write32(at[0] + RAISE_AFTER, (now - first[index]) % entries_used() << 16 | (index ? 40 : 100));
    }
    wait_at_most(1000);
  }
}

static int is_live(void) { return command_line[0] == 'l' && command_line[1] == 'i' && command_line[2] == 'v' && command_line[3] == 'e'; }

void main(void)
{
  print("Trapline guest: "); print_number(FUNCTIONS); print(" functions\n");
  for (fn = functions; fn < functions + FUNCTIONS; fn++) {
    find();
    size();
    decode();
    find_msix();
    program();
    refused();
    interrupt_once();
    masked_by("masked by vector control", ENABLE, 1);
    masked_by("masked by the function mask", ENABLE | FUNCTION_MASK, 0);
    masked_by("masked by MSI-X being off", 0, 0);
    sleep_ends();
    registers();
    across();
    moved();
  }
  print_number(passed); print(" passed, "); print_number(failed); print(" failed\n");
  if (is_live()) live();
}
