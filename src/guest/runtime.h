/* What the guest programs share: ports, serial line, PCI configuration cycles, MMIO, the local APIC. */
#ifndef RUNTIME_H
#define RUNTIME_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

static inline void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 in8(u16 port) { u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u16 in16(u16 port) { u16 v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline u32 in32(u16 port) { u32 v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }

/* One instruction each, so that the access has the width that it says. */
static inline u8 read8(u32 at) { u8 v; __asm__ volatile("movb (%1), %0" : "=q"(v) : "r"(at) : "memory"); return v; }
static inline u16 read16(u32 at) { u16 v; __asm__ volatile("movw (%1), %0" : "=r"(v) : "r"(at) : "memory"); return v; }
static inline u32 read32(u32 at) { u32 v; __asm__ volatile("movl (%1), %0" : "=r"(v) : "r"(at) : "memory"); return v; }
static inline void write8(u32 at, u8 v) { __asm__ volatile("movb %0, (%1)" : : "q"(v), "r"(at) : "memory"); }
static inline void write16(u32 at, u16 v) { __asm__ volatile("movw %0, (%1)" : : "r"(v), "r"(at) : "memory"); }
static inline void write32(u32 at, u32 v) { __asm__ volatile("movl %0, (%1)" : : "r"(v), "r"(at) : "memory"); }
/* Through MMX and SSE registers: to and from 8 or 16 bytes of RAM. */
static inline void read64(u32 at, void *to) { __asm__ volatile("movq (%0), %%mm0; movq %%mm0, (%1); emms" : : "r"(at), "r"(to) : "memory"); }
static inline void write64(u32 at, const void *from) { __asm__ volatile("movq (%1), %%mm0; movq %%mm0, (%0); emms" : : "r"(at), "r"(from) : "memory"); }
static inline void read128(u32 at, void *to) { __asm__ volatile("movups (%0), %%xmm0; movups %%xmm0, (%1)" : : "r"(at), "r"(to) : "memory"); }
static inline void write128(u32 at, const void *from) { __asm__ volatile("movups (%1), %%xmm0; movups %%xmm0, (%0)" : : "r"(at), "r"(from) : "memory"); }

static inline void enable_interrupts(void) { __asm__ volatile("sti"); }
static inline void disable_interrupts(void) { __asm__ volatile("cli"); }
/* With interrupts enabled, until one came. */
static inline void wait_for_interrupt(void) { __asm__ volatile("sti; hlt; cli" : : : "memory"); }
/* As long, but no longer than this. */
void wait_at_most(u32 milliseconds);

void print(const char *text);
void print_hex(u32 value, int digits);
void print_number(u32 value);

/* Bus 0; `where` is device << 3 | function. */
u32 config_read32(u32 where, u32 offset);
u16 config_read16(u32 where, u32 offset);
u8 config_read8(u32 where, u32 offset);
void config_write32(u32 where, u32 offset, u32 value);
void config_write16(u32 where, u32 offset, u16 value);
void config_write8(u32 where, u32 offset, u8 value);
/* Offset of a capability; 0: there is none. */
u32 find_capability(u32 where, u8 id);

/* Interrupts that came, by vector. */
extern volatile u32 interrupts[256];
/* Called by boot.S with the multiboot information. */
void prepare(u32 multiboot);
/* The multiboot command line, or an empty one. */
extern const char *command_line;

#define APIC 0xfee00000u
#define MSIX 0x11

#endif
