/* A machine and what was laid out for it, as text: layout.test.ts holds it to what src/engine/page-map.ts lays out. */
#ifndef PRINT_H
#define PRINT_H

#include "machine.h"

void print_layout(const Machine *machine);

#endif
