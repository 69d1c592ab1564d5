/* SPDX-License-Identifier: MIT */
#include "helpers/store_bed.h"

#include "helpers/fake_env.h"
#include "helpers/temp_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 8 << 20 };

const aioble_addr_t peer_a = {AIOBLE_ADDR_RANDOM, {0xd4, 0, 0, 0, 0, 0x0a}};
const aioble_addr_t peer_b = {AIOBLE_ADDR_RANDOM, {0xd4, 0, 0, 0, 0, 0x0b}};

static void open_store(store_bed *bed) {
  int err;

  bed->store = ab_store_open(bed->env, &(ab_store_options){.path = bed->path}, &err, bed->why);
  assert_non_null(bed->store);
}

int store_bed_set_up(void **state) {
  store_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  bed->env = fake_env_new();
  bed->dir = temp_dir_new();
  (void) snprintf(bed->path, sizeof bed->path, "%s/store.json", bed->dir);
  open_store(bed);
  *state = bed;
  return 0;
}

int store_bed_tear_down(void **state) {
  store_bed *bed = *state;

  ab_store_close(bed->store);
  temp_dir_free(bed->dir);
  fake_env_free(bed->env);
  free(bed);
  return 0;
}

void reopen(store_bed *bed) {
  assert_int_equal(ab_store_flush(bed->store, bed->why), 0);
  ab_store_close(bed->store);
  open_store(bed);
}

void load(store_bed *bed, const char *text) {
  ab_store_close(bed->store);
  temp_dir_write(bed->dir, "store.json", text);
  open_store(bed);
  assert_string_equal(bed->why, ""); /* it was not set aside */
}

bool file_has(store_bed *bed, const char *text) {
  char *file = malloc(FILE_MAX);
  bool has;

  assert_non_null(file);
  assert_int_equal(ab_store_flush(bed->store, bed->why), 0);
  temp_dir_read(bed->dir, "store.json", file, FILE_MAX);
  has = strstr(file, text) != NULL;
  free(file);
  return has;
}

void keep(store_bed *bed, const aioble_addr_t *peer, unsigned number) {
  ab_store_gatt_server server = {.features = (uint8_t) number};

  assert_int_equal(ab_store_set_gatt_server(bed->store, peer, &server), 0);
}

int kept(store_bed *bed, const aioble_addr_t *peer) {
  ab_store_gatt_server server;

  if (ab_store_gatt_server_of(bed->store, peer, &server) < 0)
    return -1;
  ab_free(bed->env, server.subscriptions);
  return server.features;
}
