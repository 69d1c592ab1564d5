/* SPDX-License-Identifier: MIT */
#include "helpers/store_place.h"

#include "helpers/fake_env.h"
#include "helpers/temp_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void store_place_make(store_place *place) {
  *place = (store_place){.env = fake_env_new(), .dir = temp_dir_in_memory()};
  (void) snprintf(place->path, sizeof place->path, "%s/" STORE_FILE, place->dir);
}

void store_place_remove(store_place *place) {
  temp_dir_free(place->dir);
  fake_env_free(place->env);
}

int store_place_set_up(void **state) {
  store_place *place = malloc(sizeof *place);

  assert_non_null(place);
  store_place_make(place);
  *state = place;
  return 0;
}

int store_place_tear_down(void **state) {
  store_place_remove(*state);
  free(*state);
  return 0;
}

ab_store *store_place_open(store_place *place) {
  return ab_store_open(place->env, &(ab_store_options){.path = place->path}, &place->err,
                       place->why);
}
