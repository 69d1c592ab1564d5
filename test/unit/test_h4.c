/* SPDX-License-Identifier: MIT */
#include "transport/h4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t reset_complete[] = {4, 0x0e, 4, 1, 0x03, 0x0c, 0};

/* three packets a controller may send: an event, ACL data of 5 octets, an empty event */
static const uint8_t stream[] = {4, 0x0e, 4,    1, 0x03, 0x0c, 0,                  /* */
                                 2, 0x40, 0x20, 5, 0,    'h',  'e', 'l', 'l', 'o', /* */
                                 4, 0xff, 0};
static const size_t lens[] = {7, 10, 3};

/* a stream that comes in pieces: what is not taken is given again, with more behind it */
typedef struct feed {
  ab_h4 h4;
  uint8_t bytes[AB_H4_MAX * 2];
  size_t from, to;
  size_t lens[64];
  unsigned packets, broken;
  uint64_t given;
} feed;

static feed *feed_new(ab_h4_from from, bool serial) {
  feed *f = calloc(1, sizeof *f);

  ab_h4_init(&f->h4, from, serial);
  return f;
}

static void feed_bytes(feed *f, const uint8_t *bytes, size_t len) {
  aioble_bytes_t packet;
  ab_h4_step step;
  ab_rd in;

  assert_true(f->to + len <= sizeof f->bytes);
  memcpy(f->bytes + f->to, bytes, len);
  f->to += len;
  in = ab_rd_of(f->bytes + f->from, f->to - f->from);
  while ((step = ab_h4_next(&f->h4, &in, &packet)) != AB_H4_MORE) {
    assert_ptr_not_equal(in.p, NULL);
    if (step == AB_H4_BROKEN) {
      f->broken++;
      if (!f->h4.serial)
        break;
      continue;
    }
    assert_true(packet.data >= f->bytes && packet.data + packet.len == in.p);
    f->lens[f->packets++ % 64] = packet.len;
    f->given += packet.len;
  }
  assert_true(ab_rd_ok(&in));
  f->from = (size_t) (in.p - f->bytes);
}

static void expect_stream(const feed *f) {
  assert_int_equal(f->packets, 3);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(f->lens[i], lens[i]);
  assert_int_equal(f->from, sizeof stream);
  assert_int_equal(f->broken, 0);
}

static void packets_are_found_whole_when_they_come_together(void **state) {
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, false);

  (void) state;
  feed_bytes(f, stream, sizeof stream);
  expect_stream(f);
  free(f);
}

static void packets_are_found_octet_by_octet(void **state) {
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, true);

  (void) state;
  for (size_t i = 0; i < sizeof stream; i++)
    feed_bytes(f, stream + i, 1);
  expect_stream(f);
  free(f);
}

static void packets_are_found_across_every_pair_of_splits(void **state) {
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, false);

  (void) state;
  for (size_t a = 0; a <= sizeof stream; a++)
    for (size_t b = a; b <= sizeof stream; b++) {
      f->packets = f->broken = 0;
      f->from = f->to = 0;
      feed_bytes(f, stream, a);
      feed_bytes(f, stream + a, b - a);
      feed_bytes(f, stream + b, sizeof stream - b);
      expect_stream(f);
    }
  free(f);
}

static void nothing_gives_nothing(void **state) {
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, false);

  (void) state;
  feed_bytes(f, stream, 0);
  assert_int_equal(f->packets, 0);
  assert_int_equal(f->broken, 0);
  free(f);
}

static void each_side_has_its_own_types(void **state) {
  static const bool sent[2][8] = {
      [AB_H4_FROM_CONTROLLER] = {[2] = true, [3] = true, [4] = true, [5] = true},
      [AB_H4_FROM_HOST] = {[1] = true, [2] = true, [3] = true, [5] = true},
  };

  (void) state;
  for (unsigned from = 0; from < 2; from++)
    for (unsigned type = 0; type < 256; type++) {
      uint8_t packet[] = {(uint8_t) type, 0, 0, 0, 0};
      feed *f = feed_new((ab_h4_from) from, false);

      feed_bytes(f, packet, sizeof packet);
      assert_int_equal(f->packets != 0, type < 8 && sent[from][type]);
      assert_int_equal(f->broken != 0, f->packets == 0 || f->from != sizeof packet);
      free(f);
    }
}

static void a_header_alone_is_the_beginning_of_a_packet(void **state) {
  static const uint8_t acl[] = {2, 0, 0, 1, 0};
  static const uint8_t iso[] = {5, 0, 0, 0, 0xc0}; /* the upper two bits are no length */
  feed *f = feed_new(AB_H4_FROM_HOST, false);

  (void) state;
  feed_bytes(f, iso, sizeof iso);
  assert_int_equal(f->packets, 1);
  feed_bytes(f, acl, sizeof acl);
  assert_int_equal(f->packets, 1);
  feed_bytes(f, acl, 1);
  assert_int_equal(f->packets, 2);
  assert_int_equal(f->lens[1], 6);
  free(f);
}

static void the_longest_packet_passes_and_a_longer_one_breaks(void **state) {
  const uint16_t longest = AB_H4_MAX - 5;
  uint8_t header[] = {2, 0, 0, (uint8_t) longest, (uint8_t) (longest >> 8)};
  uint8_t *data = calloc(1, longest);
  feed *f = feed_new(AB_H4_FROM_HOST, false);

  (void) state;
  feed_bytes(f, header, sizeof header);
  feed_bytes(f, data, longest);
  assert_int_equal(f->packets, 1);
  assert_int_equal(f->lens[0], AB_H4_MAX);
  header[3]++;
  feed_bytes(f, header, sizeof header);
  assert_int_equal(f->broken, 1);
  assert_int_equal(f->packets, 1);
  free(data);
  free(f);
}

static void a_stream_that_broke_stays_broken(void **state) {
  static const uint8_t bad[] = {0x55};
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, false);

  (void) state;
  feed_bytes(f, bad, sizeof bad);
  feed_bytes(f, stream, sizeof stream);
  assert_int_equal(f->broken, 2);
  assert_int_equal(f->packets, 0);
  assert_int_equal(f->h4.dropped, 0);
  free(f);
}

static void a_serial_line_searches_for_the_end_of_a_reset(void **state) {
  static const uint8_t noise[] = {0x55, 4,    0x3e, 1, 0, /* looks like an event, is not believed */
                                  4,    0x0e, 4,    1, 0x03, 0x0c, 1}; /* a reset that failed */
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, true);

  (void) state;
  feed_bytes(f, noise, sizeof noise);
  assert_int_equal(f->broken, 1);
  assert_int_equal(f->packets, 0);
  feed_bytes(f, stream, sizeof stream);
  assert_int_equal(f->packets, 3);
  assert_int_equal(f->broken, 1);
  assert_int_equal(f->h4.dropped, sizeof noise);
  free(f);
}

static void the_search_finds_it_across_every_split(void **state) {
  static const uint8_t noise[] = {0, 4, 0x0e, 4, 4, 0x0e};

  (void) state;
  for (size_t cut = 0; cut <= sizeof reset_complete; cut++) {
    feed *f = feed_new(AB_H4_FROM_CONTROLLER, true);

    feed_bytes(f, noise, sizeof noise);
    feed_bytes(f, reset_complete, cut);
    feed_bytes(f, reset_complete + cut, sizeof reset_complete - cut);
    assert_int_equal(f->packets, 1);
    assert_int_equal(f->lens[0], sizeof reset_complete);
    assert_int_equal(f->h4.dropped, sizeof noise);
    free(f);
  }
}

/* what ends the search may be no packet of this side: the search goes on behind it */
static void a_reset_complete_from_a_host_is_passed_over(void **state) {
  static const uint8_t reset[] = {1, 0x03, 0x0c, 0};
  feed *f = feed_new(AB_H4_FROM_HOST, true);

  (void) state;
  feed_bytes(f, reset_complete, sizeof reset_complete);
  feed_bytes(f, reset_complete, sizeof reset_complete);
  feed_bytes(f, reset, sizeof reset);
  assert_int_equal(f->packets, 0);
  assert_int_equal(f->broken, 2);
  assert_true(f->to - f->from < sizeof reset_complete);
  free(f);
}

static void a_huge_length_on_a_serial_line_is_noise(void **state) {
  static const uint8_t huge[] = {2, 0, 0, 0xff, 0x7f};
  feed *f = feed_new(AB_H4_FROM_CONTROLLER, true);

  (void) state;
  feed_bytes(f, huge, sizeof huge);
  assert_int_equal(f->broken, 1);
  feed_bytes(f, reset_complete, sizeof reset_complete);
  assert_int_equal(f->packets, 1);
  free(f);
}

/* every octet is either in a packet, dropped, or waiting; and what waits is bounded */
static void random_octets_are_all_accounted_for(void **state) {
  (void) state;
  srand(1);
  for (unsigned round = 0; round < 400; round++) {
    feed *f = feed_new(round & 1 ? AB_H4_FROM_HOST : AB_H4_FROM_CONTROLLER, true);
    unsigned spread = round & 2 ? 6 : 256;
    uint64_t total = 0;

    while (f->to + 64 < sizeof f->bytes && total < 20000) {
      uint8_t piece[64];
      size_t len = (size_t) rand() % sizeof piece;

      for (size_t i = 0; i < len; i++)
        piece[i] = (uint8_t) ((unsigned) rand() % spread);
      feed_bytes(f, piece, len);
      total += len;
      assert_int_equal(f->given + f->h4.dropped + (f->to - f->from), total);
      assert_true(f->to - f->from < AB_H4_SERIAL_MAX);
    }
    assert_int_equal(f->broken, f->h4.broken);
    free(f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_are_found_whole_when_they_come_together),
      cmocka_unit_test(packets_are_found_octet_by_octet),
      cmocka_unit_test(packets_are_found_across_every_pair_of_splits),
      cmocka_unit_test(nothing_gives_nothing),
      cmocka_unit_test(each_side_has_its_own_types),
      cmocka_unit_test(a_header_alone_is_the_beginning_of_a_packet),
      cmocka_unit_test(the_longest_packet_passes_and_a_longer_one_breaks),
      cmocka_unit_test(a_stream_that_broke_stays_broken),
      cmocka_unit_test(a_serial_line_searches_for_the_end_of_a_reset),
      cmocka_unit_test(the_search_finds_it_across_every_split),
      cmocka_unit_test(a_reset_complete_from_a_host_is_passed_over),
      cmocka_unit_test(a_huge_length_on_a_serial_line_is_noise),
      cmocka_unit_test(random_octets_are_all_accounted_for),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
