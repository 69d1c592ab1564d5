/* SPDX-License-Identifier: MIT */
/*
 * Each fixed PDU there is (AB_WIRE_RECORD): what is long enough is read and written again as the
 * same octets, no more are read, and without room for the last octet nothing is written whole.
 */
#include "att/att_pdu.h"
#include "hci/hci_records.h"
#include "l2cap/l2cap_chan.h"
#include "l2cap/l2cap_pdu.h"
#include "smp/smp_pdu.h"

#include <stdlib.h>

static void check(bool ok) {
  if (!ok)
    abort();
}

#define RECORD(record)                                              \
  static void again_##record(const uint8_t *bytes, size_t len) {    \
    enum { SIZE = ab_##record##_size };                             \
    ab_rd r = ab_rd_of(bytes, len);                                 \
    uint8_t out[SIZE];                                              \
    ab_wr w = ab_wr_of(out, SIZE), small = ab_wr_of(out, SIZE - 1); \
    ab_##record v;                                                  \
                                                                    \
    check(ab_##record##_read(&r, &v) == (len >= SIZE));             \
    check(ab_rd_left(&r) == (len >= SIZE ? len - SIZE : 0));        \
    check(!ab_##record##_write(&small, &v));                        \
    check(ab_##record##_write(&w, &v) && ab_wr_len(&w) == SIZE);    \
    check(len < SIZE || memcmp(out, bytes, SIZE) == 0);             \
  }
#include "all_records.h"
#undef RECORD

static void (*const all[])(const uint8_t *bytes, size_t len) = {
#define RECORD(record) again_##record,
#include "all_records.h"
#undef RECORD
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    all[i](bytes, len);
  return 0;
}
