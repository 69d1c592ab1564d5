/* SPDX-License-Identifier: MIT */
/* Where a test's state file is: in a directory of its own, where fsync costs little. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "store/store.h"

typedef struct store_place {
  ab_env *env;
  char *dir;
  char path[256]; /* STORE_FILE in it, which is not there at first */
  char why[AB_STORE_WHY];
  int err;
} store_place;

#define STORE_FILE "store.json"

void store_place_make(store_place *place);
void store_place_remove(store_place *place);

/* for cmocka: *state is a store_place */
int store_place_set_up(void **state);
int store_place_tear_down(void **state);

/* what ab_store_open() says is in err and why */
ab_store *store_place_open(store_place *place);

#endif
