/*
 * Measures the linear list in this process. Input: words of 64 bits, as bench/native.ts writes them. Output: JSON, for
 * each case the bursts' samples in milliseconds. Exit status 3: the list answers otherwise than it should.
 */
#define _POSIX_C_SOURCE 200809L
#include "linear-list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CANARY_RUNS 10

typedef struct {
  uint64_t writes;
  /* What reading all of it gives, after the writes. */
  uint64_t checksum;
  uint64_t *addresses;
} Case;

/* An access comes with its width: it is not folded into what answers. */
static volatile unsigned width = 4;

static Domain domain;
static uint64_t *values;
static uint64_t count;
static volatile uint64_t result;

static void *allocate(size_t size) {
  void *memory = malloc(size);
  if (!memory) {
    perror("linear-list");
    exit(2);
  }
  return memory;
}

static void words(uint64_t *to, size_t number) {
  if (fread(to, sizeof *to, number, stdin) != number) {
    fprintf(stderr, "linear-list: the input is too short\n");
    exit(2);
  }
}

static uint64_t word(void) {
  uint64_t value;
  words(&value, 1);
  return value;
}

/* The same values as the pages of bench/topology.ts. */
static uint8_t *map_page(uint64_t address) {
  uint32_t *page = allocate(PAGE_SIZE);
  for (uint32_t index = 0; index < PAGE_SIZE / 4; index++)
    page[index] = ((uint32_t)(address / PAGE_SIZE) + index) * 0x9e3779b1u;
  return (uint8_t *)page;
}

/* As programFunction of bench/topology.ts. */
static void program(uint64_t table, uint64_t index, uint64_t vectors) {
  for (uint64_t vector = 0; vector < vectors; vector++) {
    uint64_t entry = table + 16 * vector;
    write_access(&domain, entry, 4, 0xfee00000 + 4096 * (index % 256));
    write_access(&domain, entry + 8, 4, 0x4000 + vector);
  }
}

static uint64_t read_all(const Case *one) {
  unsigned bytes = width;
  uint64_t sum = 0;
  for (uint64_t index = 0; index < count; index++) {
    uint64_t data = ONES;
    read_access(&domain, one->addresses[index], bytes, &data);
    sum += (uint32_t)data;
  }
  return sum;
}

static uint64_t write_all(const Case *one) {
  unsigned bytes = width;
  uint64_t claimed = 0;
  for (uint64_t index = 0; index < count; index++)
    claimed += write_access(&domain, one->addresses[index], bytes, values[index]);
  return claimed;
}

static void run(const Case *one) { result = one->writes ? write_all(one) : read_all(one); }

/* The checksum of bench/checks.ts. */
static uint32_t checksum(const Case *one) {
  if (one->writes)
    result = write_all(one);
  uint32_t sum = 0;
  for (uint64_t index = 0; index < count; index++) {
    uint64_t data = ONES;
    read_access(&domain, one->addresses[index], width, &data);
    sum = 31 * sum + (uint32_t)data;
  }
  return sum;
}

/* Milliseconds of this process. */
static double cpu_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* A fixed amount of work, as in bench/rounds.ts: loads and stores that do not wait for each other. */
static double canary(void) {
  static volatile uint32_t few[1024];
  double start = cpu_time();
  for (int times = 0; times < CANARY_RUNS; times++) {
    uint32_t sum = 0;
    for (uint32_t index = 0; index < 4096; index++) {
      few[(index * 0x85ebca6bu) >> 22] = index;
      sum += few[(16 * index) & 1023];
    }
    result = sum;
  }
  return cpu_time() - start;
}

static void measure(const Case *one, double burst) {
  /* Fetches what the case touches into the caches. */
  run(one);
  double before = canary();
  printf("{\"samples\":[");
  double start = cpu_time(), end = start + burst;
  for (const char *comma = "";; comma = ",") {
    run(one);
    double now = cpu_time();
    printf("%s%.6f", comma, now - start);
    if (now >= end)
      break;
    start = cpu_time();
  }
  double after = canary();
  printf("],\"canary\":%.6f}", before > after ? before : after);
}

int main(void) {
  uint64_t header[10];
  words(header, 10);
  uint64_t functions = header[0], vectors = header[1], window = header[2], bar_size = header[3];
  uint64_t table = header[4], pba = header[5], rounds = header[6], burst = header[7], case_count = header[9];
  count = header[8];
  values = allocate(count * sizeof *values);
  words(values, count);
  Case *cases = allocate(case_count * sizeof *cases);
  for (uint64_t index = 0; index < case_count; index++) {
    cases[index].writes = word();
    cases[index].checksum = word();
    cases[index].addresses = allocate(count * sizeof(uint64_t));
    words(cases[index].addresses, count);
  }

  domain.map_page = map_page;
  for (uint64_t index = 0; index < functions; index++) {
    uint64_t bar = window + index * bar_size;
    assign_function(&domain, &(Description){bar, (uint32_t)vectors, (uint32_t)table, (uint32_t)pba});
    program(bar + table, index, vectors);
  }
  for (uint64_t index = 0; index < case_count; index++) {
    uint32_t sum = checksum(&cases[index]);
    if (sum == cases[index].checksum)
      continue;
    fprintf(stderr, "linear-list: case %" PRIu64 " has checksum %" PRIu32 ", not %" PRIu64 "\n", index, sum,
            cases[index].checksum);
    return 3;
  }

  /* Printed by rounds, a case after the other in each. */
  printf("[");
  for (uint64_t round = 0; round < rounds; round++) {
    printf(round ? ",[" : "[");
    for (uint64_t index = 0; index < case_count; index++) {
      if (index)
        printf(",");
      measure(&cases[index], (double)burst);
    }
    printf("]");
  }
  printf("]\n");
  return 0;
}
