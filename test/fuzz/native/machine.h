/*
 * A machine as its input bytes say: functions, their BARs, tables and pending-bit arrays; and whose each byte of a
 * guest page is. What is laid out for the wasm and what the model answers both follow from here, by different ways.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u
#define ADDRESS_LIMIT (1ull << 52)

#define FUNCTIONS_MAX 4
#define BARS_MAX 2
#define VECTORS_MAX 2048
#define PAGES_MAX 128
#define HOST_PAGES_MAX 256

#define MACHINE_BYTES 8
#define FUNCTION_BYTES 16

typedef struct {
  uint64_t start, end;
} Range;

typedef struct {
  Range guest;
  uint64_t host;
} Bar;

typedef struct {
  int index;
  int bar_count;
  Bar bars[BARS_MAX];
  bool has_msix;
  int table_bar, pba_bar;
  uint32_t count;
  Range table, pba;
  /* Its PBA is emulated: on a page that only pending bits are on. */
  bool software;
  /* The first of its host pages is in linear memory. */
  bool owns_page;
  /* What selects the field of an entry: the address (Xen), or the offset from the table's start. */
  bool field_by_address;
} Function;

/* What the wasm hands back by number. */
typedef struct {
  const Function *function;
  uint64_t key;
  uint32_t id;
  /* Linear address of its bytes, or 0. */
  uint32_t own;
} HostPage;

/* A guest page that traps. */
typedef struct {
  uint64_t start;
  /* Several functions' or host pages' bytes are on it, or they have other offsets there. */
  bool mixed;
  /* Of a page that is not: the host page behind it, or 0. */
  uint32_t id;
  /* Policies of Xen: whose the page is. */
  const Function *newest;
} Page;

typedef struct {
  /* Policies of Xen: a page belongs to the newest function with a structure on it. Else each byte to its BAR. */
  bool by_newest;
  bool trap_all;
  bool pba_writable, splits_crossing;
  uint8_t pba_widths;
  uint32_t first_id;
  int function_count;
  Function functions[FUNCTIONS_MAX];
  int page_count;
  Page pages[PAGES_MAX];
  int host_page_count;
  HostPage host_pages[HOST_PAGES_MAX];
} Machine;

typedef enum { NOBODYS, TABLES, PBAS, DEVICES } Whose;

typedef struct {
  Whose whose;
  const Function *function;
  /* But for nobody's bytes: the host page, 0 for none, and the offset there. */
  uint32_t id;
  uint32_t offset;
} Owner;

/* Bytes that describe a machine, of those that there are. */
size_t machine_bytes(const uint8_t *bytes, size_t size);
/* `bytes` has as many. */
void machine_decode(Machine *machine, const uint8_t *bytes);

const Page *machine_page(const Machine *machine, uint64_t address);
Owner machine_owner(Machine *machine, const Page *page, uint64_t address);
const HostPage *machine_host_page(const Machine *machine, uint32_t id);

static inline bool holds(Range range, uint64_t address) { return address >= range.start && address < range.end; }
static inline bool touches(Range range, uint64_t page) { return range.start < page + PAGE_BYTES && range.end > page; }
static inline uint64_t page_of(uint64_t address) { return address & ~(uint64_t)(PAGE_BYTES - 1); }

#endif
