/* SPDX-License-Identifier: MIT */
/*
 * Addresses, UUIDs and UTF-8 from text: what can be read is written, and read again as the same.
 */
#include "util/utf8.h"
#include <aioble/ad.h>

#include <stdlib.h>

static void check(bool ok) {
  if (!ok)
    abort();
}

static void addr_again(const char *text) {
  char out[AIOBLE_ADDR_TEXT_SIZE];
  aioble_addr_t addr, again;

  if (aioble_addr_parse(&addr, AIOBLE_ADDR_RANDOM, text) < 0)
    return;
  check(aioble_addr_parse(&again, AIOBLE_ADDR_RANDOM, aioble_addr_text(&addr, out)) == 0);
  check(aioble_addr_equal(&addr, &again));
}

static void uuid_again(const char *text) {
  char out[AIOBLE_UUID_TEXT_SIZE];
  aioble_uuid_t uuid, again;

  if (aioble_uuid_parse(&uuid, text) < 0)
    return;
  check(aioble_uuid_parse(&again, aioble_uuid_text(&uuid, out)) == 0);
  check(aioble_uuid_equal(&uuid, &again));
  again = aioble_uuid_to128(&uuid);
  check(aioble_uuid_equal(&uuid, &again));
}

/* each step goes on, and a cut ends where a character does */
static void utf8_again(const char *text, size_t len) {
  ab_rd r = ab_rd_of(text, len);
  char out[256];

  while (ab_rd_left(&r)) {
    size_t before = ab_rd_left(&r);
    uint32_t c = ab_utf8_next(&r);

    check(ab_rd_left(&r) < before && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));
  }
  for (size_t max = 0; max <= len && max < 8; max++)
    check(ab_utf8_cut(text, len, max) <= max);
  check(aioble_ad_text((aioble_bytes_t){(const uint8_t *) text, len}, out, sizeof out) <= 3 * len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  char *text = malloc(len + 1);
  ab_wr w = ab_wr_of(text, len + 1);

  check(text != NULL);
  ab_wr_bytes(&w, bytes, len);
  ab_wr_u8(&w, 0);
  addr_again(text);
  uuid_again(text);
  utf8_again(text, len);
  free(text);
  return 0;
}
