/*
 * What Xen's public headers make of an ioreq server's pages.
 *   xen layout   prints sizes and constants
 *   xen fill     a line of stdin is a part of the page, which `page` writes to stdout:
 *                slot INDEX STATE POINTER DIRECTION DESCENDING TYPE ADDRESS DATA COUNT SIZE PORT
 *                ring READ WRITE | entry POINTER TYPE DIRECTION SIZE ADDRESS DATA
 *   xen read     prints the slots of a page of stdin, in the order of `slot`
 *   xen sbdf     prints the address of a configuration access for each line SEGMENT BUS DEVICE FUNCTION OFFSET
 * Numbers are hexadecimal; bytes that no field has are 0xa5.
 */
#define __XEN_TOOLS__
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>

typedef unsigned long long number;

#define PAGE_SIZE 4096
#define SLOTS (PAGE_SIZE / sizeof(ioreq_t))

static union {
  ioreq_t slots[SLOTS];
  buffered_iopage_t buffered;
  uint8_t bytes[PAGE_SIZE];
} page;

static void fill(const char *line) {
  number n[11];
  if (sscanf(line, "slot %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx", n, n + 1, n + 2, n + 3, n + 4, n + 5,
             n + 6, n + 7, n + 8, n + 9, n + 10) == 11) {
    ioreq_t *slot = &page.slots[n[0]];
    slot->state = n[1];
    slot->data_is_ptr = n[2];
    slot->dir = n[3];
    slot->df = n[4];
    slot->type = n[5];
    slot->addr = n[6];
    slot->data = n[7];
    slot->count = n[8];
    slot->size = n[9];
    slot->vp_eport = n[10];
  } else if (sscanf(line, "ring %llx %llx", n, n + 1) == 2) {
    page.buffered.read_pointer = n[0];
    page.buffered.write_pointer = n[1];
  } else if (sscanf(line, "entry %llx %llx %llx %llx %llx %llx", n, n + 1, n + 2, n + 3, n + 4, n + 5) == 6) {
    buf_ioreq_t *entry = &page.buffered.buf_ioreq[(uint32_t)n[0] % IOREQ_BUFFER_SLOT_NUM];
    entry->type = n[1];
    entry->dir = n[2];
    entry->size = n[3];
    entry->addr = n[4];
    entry->data = n[5];
  } else if (strcmp(line, "page\n") == 0) {
    fwrite(&page, sizeof page, 1, stdout);
  }
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  char line[512];
  number s, b, d, f, offset;

  memset(&page, 0xa5, sizeof page);
  if (strcmp(mode, "layout") == 0) {
    printf("{\"slot\": %zu, \"page\": %zu, \"buffered\": %zu, \"entries\": %d,", sizeof(ioreq_t), sizeof page,
           sizeof(buffered_iopage_t), IOREQ_BUFFER_SLOT_NUM);
    printf("\"states\": [%d, %d, %d, %d],", STATE_IOREQ_NONE, STATE_IOREQ_READY, STATE_IOREQ_INPROCESS,
           STATE_IORESP_READY);
    printf("\"read\": %d, \"write\": %d,", IOREQ_READ, IOREQ_WRITE);
    printf("\"pio\": %d, \"copy\": %d, \"pciConfig\": %d, \"timeOffset\": %d, \"invalidate\": %d}", IOREQ_TYPE_PIO,
           IOREQ_TYPE_COPY, IOREQ_TYPE_PCI_CONFIG, IOREQ_TYPE_TIMEOFFSET, IOREQ_TYPE_INVALIDATE);
  } else if (strcmp(mode, "fill") == 0) {
    while (fgets(line, sizeof line, stdin))
      fill(line);
  } else if (strcmp(mode, "read") == 0) {
    while (fread(&page, sizeof page, 1, stdin) == 1) {
      for (unsigned index = 0; index < SLOTS; index++) {
        const ioreq_t *slot = &page.slots[index];
        printf("%x %x %x %x %x %x %llx %llx %x %x %x\n", index, slot->state, slot->data_is_ptr, slot->dir, slot->df,
               slot->type, (number)slot->addr, (number)slot->data, slot->count, slot->size, slot->vp_eport);
      }
    }
  } else if (strcmp(mode, "sbdf") == 0) {
    while (scanf("%llx %llx %llx %llx %llx", &s, &b, &d, &f, &offset) == 5)
      printf("%llx\n", (number)XEN_DMOP_PCI_SBDF(s, b, d, f) << 32 | offset);
  } else {
    return 1;
  }
  return 0;
}
