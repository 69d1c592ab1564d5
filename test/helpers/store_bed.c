/* SPDX-License-Identifier: MIT */
#include "helpers/store_bed.h"

#include "helpers/temp_dir.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 8 << 20 };

const aioble_addr_t peer_a = {AIOBLE_ADDR_RANDOM, {0xd4, 0, 0, 0, 0, 0x0a}};
const aioble_addr_t peer_b = {AIOBLE_ADDR_RANDOM, {0xd4, 0, 0, 0, 0, 0x0b}};

static void open_store(store_bed *bed) {
  bed->store = store_place_open(&bed->at);
  assert_non_null(bed->store);
}

int store_bed_set_up(void **state) {
  store_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  store_place_make(&bed->at);
  open_store(bed);
  *state = bed;
  return 0;
}

int store_bed_tear_down(void **state) {
  store_bed *bed = *state;

  ab_store_close(bed->store);
  store_place_remove(&bed->at);
  free(bed);
  return 0;
}

void reopen(store_bed *bed) {
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  ab_store_close(bed->store);
  open_store(bed);
}

void load(store_bed *bed, const char *text) {
  ab_store_close(bed->store);
  temp_dir_write(bed->at.dir, STORE_FILE, text);
  open_store(bed);
  assert_string_equal(bed->at.why, ""); /* it was not set aside */
}

bool file_has(store_bed *bed, const char *text) {
  char *file = malloc(FILE_MAX);
  bool has;

  assert_non_null(file);
  assert_int_equal(ab_store_flush(bed->store, bed->at.why), 0);
  temp_dir_read(bed->at.dir, STORE_FILE, file, FILE_MAX);
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
  ab_free(bed->at.env, server.subscriptions);
  return server.features;
}
