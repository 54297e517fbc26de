/*
 * What linux/kvm.h makes of KVM's structures.
 *   kvm layout   prints sizes and constants
 *   kvm fill     a line of stdin is a structure, written to stdout, or a part of the ring's page, which `page` writes:
 *                run REASON ADDRESS LENGTH IS_WRITE DATA | msi LOW HIGH DATA FLAGS DEVID
 *                ring FIRST LAST | entry INDEX ADDRESS LENGTH PIO DATA
 *   kvm read     prints the MMIO exit of each kvm_run of stdin, in the order of `run`
 * Numbers are hexadecimal; bytes that no field has are 0xa5.
 */
#define PAGE_SIZE 4096
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef unsigned long long number;

static union {
  struct kvm_coalesced_mmio_ring ring;
  uint8_t bytes[PAGE_SIZE];
} page;

static void fill(const char *line) {
  number a, b, c, d, e;
  if (sscanf(line, "run %llx %llx %llx %llx %llx", &a, &b, &c, &d, &e) == 5) {
    struct kvm_run run;
    uint64_t data = e;
    memset(&run, 0xa5, sizeof run);
    run.exit_reason = a;
    run.mmio.phys_addr = b;
    run.mmio.len = c;
    run.mmio.is_write = d;
    memcpy(run.mmio.data, &data, sizeof data);
    fwrite(&run, sizeof run, 1, stdout);
  } else if (sscanf(line, "ring %llx %llx", &a, &b) == 2) {
    page.ring.first = a;
    page.ring.last = b;
  } else if (sscanf(line, "entry %llx %llx %llx %llx %llx", &a, &b, &c, &d, &e) == 5) {
    struct kvm_coalesced_mmio *entry = &page.ring.coalesced_mmio[a];
    uint64_t data = e;
    entry->phys_addr = b;
    entry->len = c;
    entry->pio = d;
    memcpy(entry->data, &data, sizeof data);
  } else if (strcmp(line, "page\n") == 0) {
    fwrite(&page, sizeof page, 1, stdout);
  } else if (sscanf(line, "msi %llx %llx %llx %llx %llx", &a, &b, &c, &d, &e) == 5) {
    struct kvm_msi msi = {.address_lo = a, .address_hi = b, .data = c, .flags = d, .devid = e};
    fwrite(&msi, sizeof msi, 1, stdout);
  }
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  char line[256];
  struct kvm_run run;

  memset(&page, 0xa5, sizeof page);
  if (strcmp(mode, "layout") == 0) {
    printf("{\"run\": %zu, \"page\": %zu, \"entries\": %zu, \"msi\": %zu,", sizeof run, sizeof page,
           (size_t)KVM_COALESCED_MMIO_MAX, sizeof(struct kvm_msi));
    printf("\"mmio\": %d, \"io\": %d, \"hlt\": %d, \"validDevid\": %u}", KVM_EXIT_MMIO, KVM_EXIT_IO, KVM_EXIT_HLT,
           KVM_MSI_VALID_DEVID);
  } else if (strcmp(mode, "fill") == 0) {
    while (fgets(line, sizeof line, stdin))
      fill(line);
  } else if (strcmp(mode, "read") == 0) {
    while (fread(&run, sizeof run, 1, stdin) == 1) {
      uint64_t data;
      memcpy(&data, run.mmio.data, sizeof data);
      printf("%llx %llx %llx %llx %llx\n", (number)run.exit_reason, (number)run.mmio.phys_addr, (number)run.mmio.len,
             (number)run.mmio.is_write, (number)data);
    }
  } else {
    return 1;
  }
  return 0;
}
