/* SPDX-License-Identifier: MIT */
/* Device addresses, Core Vol 6, Part B, 1.3. */
#include "util/addr.h"
#include "util/hex.h"

#include <string.h>

enum { ADDR_LEN = 6 };

int aioble_addr_parse(aioble_addr_t *addr, uint8_t type, const char *text) {
  aioble_addr_t a = {.type = type};

  if (!text || type > AIOBLE_ADDR_RANDOM)
    return AIOBLE_EINVAL;
  for (size_t i = 0; i < ADDR_LEN; i++) {
    if (i && *text == ':')
      text++;
    if (!ab_hex_read(text, &a.bytes[i]))
      return AIOBLE_EINVAL;
    text += 2;
  }
  if (*text)
    return AIOBLE_EINVAL;
  *addr = a;
  return 0;
}

char *aioble_addr_text(const aioble_addr_t *addr, char buf[AIOBLE_ADDR_TEXT_SIZE]) {
  char *out = buf;

  for (size_t i = 0; i < ADDR_LEN; i++) {
    if (i)
      *out++ = ':';
    out = ab_hex_write(out, addr->bytes[i]);
  }
  *out = '\0';
  return buf;
}

bool aioble_addr_equal(const aioble_addr_t *a, const aioble_addr_t *b) {
  return a->type == b->type && memcmp(a->bytes, b->bytes, ADDR_LEN) == 0;
}

aioble_addr_kind_t aioble_addr_kind(const aioble_addr_t *addr) {
  static const aioble_addr_kind_t random_kinds[] = {
      AIOBLE_ADDR_KIND_NON_RESOLVABLE,
      AIOBLE_ADDR_KIND_RESOLVABLE,
      AIOBLE_ADDR_KIND_RESERVED,
      AIOBLE_ADDR_KIND_STATIC,
  };

  if (addr->type == AIOBLE_ADDR_PUBLIC)
    return AIOBLE_ADDR_KIND_PUBLIC;
  return random_kinds[addr->bytes[0] >> 6];
}

/* the part below the two top bits must be neither all zeroes nor all ones (1.3.2.1) */
static bool random_part_usable(const aioble_addr_t *addr) {
  static const uint8_t ones[ADDR_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  static const uint8_t zeroes[ADDR_LEN] = {0xc0};

  return memcmp(addr->bytes, ones, ADDR_LEN) != 0 && memcmp(addr->bytes, zeroes, ADDR_LEN) != 0;
}

int ab_addr_make_static(ab_env *env, aioble_addr_t *addr) {
  aioble_addr_t a = {.type = AIOBLE_ADDR_RANDOM};
  int err = ab_random(env, a.bytes, ADDR_LEN);

  if (err < 0)
    return err;
  a.bytes[0] |= 0xc0;
  if (!random_part_usable(&a))
    return AIOBLE_EIO; /* one in 2^45: this is no random number generator */
  *addr = a;
  return 0;
}
