/* SPDX-License-Identifier: MIT */
/* UUIDs, Core Vol 3, Part B, 2.5.1. */
#include "util/hex.h"
#include "util/wire.h"
#include <aioble/types.h>

#include <string.h>

/* 00000000-0000-1000-8000-00805f9b34fb, little-endian; a short UUID takes bytes 12 to 15 */
static const uint8_t base_uuid[16] = {0xfb, 0x34, 0x9b, 0x5f, 0x80, 0x00, 0x00, 0x80,
                                      0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

enum { SHORT_AT = 12 };

static bool valid_size(size_t size) {
  return size == 2 || size == 4 || size == 16;
}

int aioble_uuid_from_bytes(aioble_uuid_t *uuid, const void *bytes, size_t len) {
  ab_rd r = ab_rd_of(bytes, len);

  if (!valid_size(len))
    return AIOBLE_EINVAL;
  *uuid = (aioble_uuid_t){.size = (uint8_t) len};
  ab_rd_copy(&r, uuid->bytes, len);
  return 0;
}

aioble_uuid_t aioble_uuid16(uint16_t n) {
  aioble_uuid_t uuid = {.size = 2};
  ab_wr w = ab_wr_of(uuid.bytes, sizeof uuid.bytes);

  ab_wr_le16(&w, n);
  return uuid;
}

aioble_uuid_t aioble_uuid32(uint32_t n) {
  aioble_uuid_t uuid = {.size = 4};
  ab_wr w = ab_wr_of(uuid.bytes, sizeof uuid.bytes);

  ab_wr_le32(&w, n);
  return uuid;
}

/* the long form has dashes in front of these bytes, counted from the most significant one */
static bool dash_before(const aioble_uuid_t *uuid, size_t i) {
  return uuid->size == 16 && (i == 4 || i == 6 || i == 8 || i == 10);
}

int aioble_uuid_parse(aioble_uuid_t *uuid, const char *text) {
  aioble_uuid_t u = {0};
  size_t len;

  if (!text)
    return AIOBLE_EINVAL;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    text += 2;
  len = strlen(text);
  u.size = len == 4 ? 2 : len == 8 ? 4 : len == AIOBLE_UUID_TEXT_SIZE - 1 ? 16 : 0;
  if (!u.size)
    return AIOBLE_EINVAL;
  for (size_t i = 0; i < u.size; i++) {
    if (dash_before(&u, i) && *text++ != '-')
      return AIOBLE_EINVAL;
    if (!ab_hex_read(text, &u.bytes[u.size - 1 - i]))
      return AIOBLE_EINVAL;
    text += 2;
  }
  *uuid = u;
  return 0;
}

char *aioble_uuid_text(const aioble_uuid_t *uuid, char buf[AIOBLE_UUID_TEXT_SIZE]) {
  size_t size = valid_size(uuid->size) ? uuid->size : 0;
  char *out = buf;

  for (size_t i = 0; i < size; i++) {
    if (dash_before(uuid, i))
      *out++ = '-';
    out = ab_hex_write(out, uuid->bytes[size - 1 - i]);
  }
  *out = '\0';
  return buf;
}

aioble_uuid_t aioble_uuid_to128(const aioble_uuid_t *uuid) {
  aioble_uuid_t u = {.size = 16};

  if (uuid->size == 16)
    return *uuid;
  if (!valid_size(uuid->size))
    return (aioble_uuid_t){0};
  memcpy(u.bytes, base_uuid, sizeof base_uuid);
  memcpy(u.bytes + SHORT_AT, uuid->bytes, uuid->size);
  return u;
}

bool aioble_uuid_equal(const aioble_uuid_t *a, const aioble_uuid_t *b) {
  aioble_uuid_t long_a, long_b;

  if (a->size == b->size)
    return memcmp(a->bytes, b->bytes, valid_size(a->size) ? a->size : 0) == 0;
  long_a = aioble_uuid_to128(a);
  long_b = aioble_uuid_to128(b);
  return long_a.size == long_b.size && memcmp(long_a.bytes, long_b.bytes, 16) == 0;
}
