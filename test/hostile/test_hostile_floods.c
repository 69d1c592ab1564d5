/* SPDX-License-Identifier: MIT */
/*
 * A peer that sends all it can, on a radio with connection events. What it costs is bounded, and
 * the neighbour is served as fast as ever: the slowest of its reads is printed, and compared with
 * that of a quiet peer.
 */
#include "helpers/hostile_bed.h"
#include "helpers/pdu_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECONDS = 10, READS = 50, BURST = 8, MORE_BYTES = 256 * 1024, INTERVAL_US = 50000 };

typedef struct flood flood;
struct flood {
  const char *name;
  uint16_t cid;                             /* 0: nothing of its own goes over the link */
  const char *text;                         /* what is sent, again and again */
  bool central;                             /* the peer's role */
  void (*drip)(hostile_bed *b, unsigned n); /* once a millisecond; NULL: nothing */
};

/* advertisers that nobody has heard of before, ten of them */
static void new_advertisers(hostile_bed *b, unsigned n) {
  char text[80];

  for (unsigned i = 0; i < 10; i++) {
    unsigned id = n * 10 + i;

    (void) snprintf(text, sizeof text,
                    "04 3e 0f 02 01 00 01 %02x %02x %02x 00 00 c0 03 02 09 41 c4", id & 0xff,
                    id >> 8 & 0xff, id >> 16 & 0xff);
    hostile_controller_says(b, text);
  }
}

/* all that the controller has room for */
static void pour(hostile_bed *b, const flood *f, unsigned *room) {
  uint8_t frame[256], octets[256];
  size_t len = pdu_script_bytes(f->text, octets, sizeof octets);
  ab_wr w = ab_wr_of(frame, sizeof frame);
  ab_rd r;

  while (vr_host_take(&b->host, AB_HCI_EV_NUM_COMPLETED_PACKETS, &r)) {
    (void) ab_rd_take(&r, 3);
    *room += ab_rd_le16(&r);
  }
  ab_wr_le16(&w, (uint16_t) len);
  ab_wr_le16(&w, f->cid);
  ab_wr_bytes(&w, octets, len);
  for (; *room; --*room)
    vr_host_acl(&b->host, b->handle, 0, frame, ab_wr_len(&w));
  b->host.t->ops->flush(b->host.t);
  vr_host_forget(&b->host);
}

/* one millisecond of it */
static void flow(hostile_bed *b, const flood *f, unsigned ms, unsigned *room) {
  if (f->cid && aioble_conn_is_connected(b->conn))
    pour(b, f, room);
  if (f->drip)
    f->drip(b, ms);
  sim_run_ms(&b->s, 1);
}

/* the slowest of the neighbour's reads, in microseconds; how much memory was taken at most */
static uint64_t slowest_read(const flood *f, size_t *bytes, uint64_t *sent) {
  const aioble_virtual_options_t radio = {.timing = true};
  aioble_scan_t *scan = NULL;
  hostile_bed b;
  uint64_t slowest = 0;
  unsigned room = BURST, reads = 0;
  size_t before;

  hostile_open_on(&b, f->central, &radio);
  if (f->drip)
    scan = aioble_scan(b.victim, &(aioble_scan_options_t){.duration_ms = AIOBLE_FOREVER});
  before = b.s.bytes;
  *bytes = 0;
  for (unsigned ms = 0; ms < SECONDS * 1000;) {
    uint64_t start = aioble_virtual_now_us(b.s.radio);
    aioble_op_t *read = aioble_client_char_read(b.good_value);

    while (!aioble_op_done(read))
      flow(&b, f, ms++, &room);
    if (aioble_virtual_now_us(b.s.radio) - start > slowest)
      slowest = aioble_virtual_now_us(b.s.radio) - start;
    sim_expect(read, 0);
    reads++;
    for (unsigned rest = 0; rest < 7; rest++)
      flow(&b, f, ms++, &room);
    if (b.s.bytes > before + *bytes)
      *bytes = b.s.bytes - before;
  }
  assert_true(reads >= READS);
  *sent = aioble_virtual_stats(b.host.t)->acl_in;
  aioble_scan_unref(scan);
  sim_run_ms(&b.s, 2000); /* what was on its way arrives */
  hostile_close(&b);
  return slowest;
}

static void nobody_else_notices_a_flood(void **state) {
  static const flood floods[] = {
      {"write commands", CID_ATT, "52 12 00 66 69 6e 65", true, NULL},
      {"write requests, one after the other", CID_ATT, "12 12 00 66 69 6e 65", true, NULL},
      {"reads that a hook is to answer", CID_ATT, "0a 17 00", true, NULL},
      {"prepared writes", CID_ATT, "16 12 00 00 00 41*18", true, NULL},
      {"discoveries of everything", CID_ATT, "04 01 00 ff ff", true, NULL},
      {"notifications", CID_ATT, "1b 12 00 41*20", false, NULL},
      {"indications", CID_ATT, "1d 12 00 41*20", false, NULL},
      {"requests for channels", CID_SIGNAL, "14 01 0a 00 80 00 40 00 64 00 40 00 05 00", true,
       NULL},
      {"unknown commands", CID_SIGNAL, "ff 01 00 00", true, NULL},
      {"wishes for connection parameters", CID_SIGNAL, "12 01 08 00 20 00 20 00 00 00 64 00", false,
       NULL},
      {"pairing requests", CID_SMP, "01 03 00 09 10 00 00", true, NULL},
      {"security requests", CID_SMP, "0b 09", false, NULL},
      {"frames for nobody", 0x77, "41*20", true, NULL},
      {"advertisers with ever-new addresses", 0, "", true, new_advertisers},
  };
  const flood quiet = {"nothing", 0, "", true, NULL};
  size_t bytes;
  uint64_t sent, usual = slowest_read(&quiet, &bytes, &sent);

  (void) state;
  print_message("%-40s %9s %12s %10s\n", "a flood of", "packets", "slowest read", "memory");
  print_message("%-40s %9u %9.1f ms %6zu KiB\n", quiet.name, 0, (double) usual / 1000,
                bytes / 1024);
  for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
    uint64_t slowest = slowest_read(&floods[i], &bytes, &sent);

    print_message("%-40s %9u %9.1f ms %6zu KiB\n", floods[i].name, (unsigned) sent,
                  (double) slowest / 1000, bytes / 1024);
    assert_true(slowest <= usual + INTERVAL_US);
    assert_true(bytes <= (floods[i].drip ? 4 : 1) * MORE_BYTES);
    assert_true(sent > 100 || floods[i].drip);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_else_notices_a_flood),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
