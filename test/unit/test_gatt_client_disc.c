/* SPDX-License-Identifier: MIT */
#include "helpers/att_peer.h"

#include "gatt/gatt_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONG_UUID "9d470f90ff57ceb49a42ac7b010070e5"
#define LONG_TEXT "e5700001-7bac-429a-b4ce-57ff900f479d"

typedef struct walk {
  att_peer *peer;
  ab_gatt_disc disc;
  unsigned fetched;
} walk;

static void fetched(ab_gatt_disc *disc) {
  ab_container_of(disc, walk, disc)->fetched++;
}

static walk *walk_new(ab_gatt_disc_kind kind, uint32_t first, uint16_t last,
                      const aioble_uuid_t *uuid) {
  walk *w = calloc(1, sizeof *w);

  assert_non_null(w);
  w->peer = att_peer_new(517);
  ab_gatt_disc_init(&w->disc, &w->peer->att, kind, first, last, uuid);
  return w;
}

static void walk_free(walk *w) {
  ab_gatt_disc_stop(&w->disc);
  att_peer_free(w->peer);
  free(w);
}

/* one request, with what comes and goes */
static void fetch(walk *w, const char *lines) {
  ab_gatt_item item;

  assert_int_equal(ab_gatt_disc_next(&w->disc, &item), AIOBLE_EAGAIN);
  ab_gatt_disc_fetch(&w->disc, fetched);
  assert_int_equal(w->fetched, 0);
  att_peer_play(w->peer, lines);
  assert_int_equal(w->fetched, 1);
  w->fetched = 0;
}

static void found(walk *w, const char *uuid, uint16_t handle, uint16_t value, uint16_t last) {
  char text[AIOBLE_UUID_TEXT_SIZE];
  ab_gatt_item item;

  assert_int_equal(ab_gatt_disc_next(&w->disc, &item), 1);
  assert_string_equal(aioble_uuid_text(&item.uuid, text), uuid);
  assert_int_equal(item.handle, handle);
  assert_int_equal(item.value, value);
  assert_int_equal(item.last, last);
}

/* ended, and stays so */
static void ended(walk *w, int status) {
  ab_gatt_item item;

  for (int i = 0; i < 3; i++)
    assert_int_equal(ab_gatt_disc_next(&w->disc, &item), status);
  att_peer_play(w->peer, "");
}

static void services_come_in_order_over_several_responses_and_widths(void **state) {
  walk *w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);

  (void) state;
  fetch(w, "< 10 0100 ffff 0028\n"
           "> 11 06 0100 0700 0018 0800 0800 0118\n");
  found(w, "1800", 1, 0, 7);
  found(w, "1801", 8, 0, 8);
  fetch(w, "< 10 0900 ffff 0028\n"
           "> 11 14 1000 2000 " LONG_UUID "\n");
  found(w, LONG_TEXT, 0x10, 0, 0x20);
  fetch(w, "< 10 2100 ffff 0028\n"
           "> 11 06 3000 ffff 0a18\n");
  found(w, "180a", 0x30, 0, 0xffff);
  ended(w, 0); /* 0xFFFF was reached: nothing more is asked */
  walk_free(w);
}

static void attribute_not_found_is_the_normal_end(void **state) {
  walk *w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);

  (void) state;
  fetch(w, "< 10 0100 ffff 0028\n> 01 10 0100 0a\n");
  ended(w, 0);
  walk_free(w);
}

static void any_other_error_is_told(void **state) {
  walk *w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);

  (void) state;
  fetch(w, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018\n");
  found(w, "1800", 1, 0, 7);
  fetch(w, "< 10 0800 ffff 0028\n> 01 10 0800 0e\n");
  ended(w, AIOBLE_ERR_ATT(AB_ATT_ERR_UNLIKELY));
  walk_free(w);
}

static void a_uuid_is_asked_for_as_servers_hold_it(void **state) {
  aioble_uuid_t uuids[4];
  static const char *const asked[] = {
      "< 06 0100 ffff 0028 1a18\n> 01 06 0100 0a\n",
      "< 06 0100 ffff 0028 1a18\n> 01 06 0100 0a\n",
      "< 06 0100 ffff 0028 1a18\n> 01 06 0100 0a\n",
      "< 06 0100 ffff 0028 fb349b5f8000008000100000 1a180100\n> 01 06 0100 0a\n",
  };

  (void) state;
  uuids[0] = aioble_uuid16(0x181a);
  uuids[1] = aioble_uuid32(0x181a);
  uuids[2] = aioble_uuid_to128(&uuids[0]);
  uuids[3] = aioble_uuid32(0x1181a);
  for (size_t i = 0; i < 4; i++) {
    walk *w = walk_new(AB_GATT_SERVICES_BY_UUID, 1, 0xffff, &uuids[i]);

    fetch(w, asked[i]);
    ended(w, 0);
    walk_free(w);
  }
}

static void services_by_uuid_may_be_several(void **state) {
  aioble_uuid_t uuid = aioble_uuid16(0x181a);
  walk *w = walk_new(AB_GATT_SERVICES_BY_UUID, 1, 0xffff, &uuid);

  (void) state;
  fetch(w, "< 06 0100 ffff 0028 1a18\n> 07 0500 0900 1000 1500\n");
  found(w, "181a", 5, 0, 9);
  found(w, "181a", 0x10, 0, 0x15);
  fetch(w, "< 06 1600 ffff 0028 1a18\n> 01 06 1600 0a\n");
  ended(w, 0);
  walk_free(w);
}

static void characteristics_end_before_the_next_one_or_with_their_service(void **state) {
  walk *w = walk_new(AB_GATT_CHARS, 0x10, 0x30, NULL);

  (void) state;
  fetch(w, "< 08 1000 3000 0328\n"
           "> 09 07 1100 02 1200 6e2a 1300 12 1400 6f2a\n");
  found(w, "2a6e", 0x11, 0x12, 0x12);
  fetch(w, "< 08 1500 3000 0328\n" /* where the second one ends, only the next response says */
           "> 09 15 2000 08 2e00 " LONG_UUID "\n");
  found(w, "2a6f", 0x13, 0x14, 0x1f);
  fetch(w, "< 08 2f00 3000 0328\n> 01 08 2f00 0a\n");
  found(w, LONG_TEXT, 0x20, 0x2e, 0x30);
  ended(w, 0);
  walk_free(w);
}

/* it consists of two attributes */
static void no_characteristic_is_looked_for_where_none_fits(void **state) {
  walk *w = walk_new(AB_GATT_CHARS, 0x10, 0x13, NULL);

  (void) state;
  fetch(w, "< 08 1000 1300 0328\n> 09 07 1100 12 1200 6e2a\n");
  found(w, "2a6e", 0x11, 0x12, 0x13);
  ended(w, 0);
  walk_free(w);
  w = walk_new(AB_GATT_CHARS, 0x10, 0x10, NULL);
  ended(w, 0);
  walk_free(w);
}

/* what was found is told before the error behind it */
static void a_characteristic_whose_end_cannot_be_learnt_ends_with_its_service(void **state) {
  static const struct {
    const char *answer;
    int status;
  } cases[] = {{"> 01 08 1300 05\n", AIOBLE_ERR_ATT(0x05)},
               {"> 09 07 1200 02 1400 6e2a\n", AIOBLE_EPROTO},
               {"> 09 07 3100 02 3200 6e2a\n", AIOBLE_EPROTO},
               {"> 09 07\n", AIOBLE_EPROTO}};

  (void) state;
  for (size_t i = 0; i < 4; i++) {
    walk *w = walk_new(AB_GATT_CHARS, 0x10, 0x30, NULL);

    char lines[100];

    fetch(w, "< 08 1000 3000 0328\n> 09 07 1100 12 1200 6e2a\n");
    (void) snprintf(lines, sizeof lines, "< 08 1300 3000 0328\n%s", cases[i].answer);
    fetch(w, lines);
    found(w, "2a6e", 0x11, 0x12, 0x30);
    ended(w, cases[i].status);
    walk_free(w);
  }
}

static void a_value_at_the_end_of_the_service_needs_no_further_request(void **state) {
  walk *w = walk_new(AB_GATT_CHARS, 0x10, 0x12, NULL);

  (void) state;
  fetch(w, "< 08 1000 1200 0328\n> 09 07 1100 02 1200 6e2a\n");
  found(w, "2a6e", 0x11, 0x12, 0x12);
  ended(w, 0);
  walk_free(w);
}

static void characteristics_with_a_uuid_are_picked_from_all(void **state) {
  aioble_uuid_t uuid = aioble_uuid16(0x2a6e);
  walk *w = walk_new(AB_GATT_CHARS, 0x10, 0x18, &uuid);

  (void) state;
  fetch(w, "< 08 1000 1800 0328\n"
           "> 09 07 1100 02 1200 6e2a 1300 12 1400 6f2a 1500 10 1600 6e2a\n");
  found(w, "2a6e", 0x11, 0x12, 0x12);
  found(w, "2a6e", 0x15, 0x16, 0x18);
  fetch(w, "< 08 1700 1800 0328\n> 01 08 1700 0a\n");
  ended(w, 0);
  walk_free(w);
}

static void secondary_services_are_asked_for_like_primary_ones(void **state) {
  aioble_uuid_t uuid = aioble_uuid16(0x181a);
  walk *w = walk_new(AB_GATT_SECONDARY, 1, 0xffff, NULL);

  (void) state;
  fetch(w, "< 10 0100 ffff 0128\n> 11 06 0500 0700 1a18 0800 0800 0f18\n");
  found(w, "181a", 5, 0, 7);
  found(w, "180f", 8, 0, 8);
  fetch(w, "< 10 0900 ffff 0128\n> 01 10 0900 0a\n");
  ended(w, 0);
  walk_free(w);
  w = walk_new(AB_GATT_SECONDARY_BY_UUID, 1, 0xffff, &uuid);
  fetch(w, "< 06 0100 ffff 0128 1a18\n> 07 0500 ffff\n");
  found(w, "181a", 5, 0, 0xffff);
  ended(w, 0);
  walk_free(w);
}

static void a_server_that_knows_no_secondary_services_has_none(void **state) {
  walk *w = walk_new(AB_GATT_SECONDARY, 1, 0xffff, NULL);

  (void) state;
  fetch(w, "< 10 0100 ffff 0128\n> 01 10 0100 10\n");
  ended(w, 0);
  walk_free(w);
  w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);
  fetch(w, "< 10 0100 ffff 0028\n> 01 10 0100 10\n");
  ended(w, AIOBLE_ERR_ATT(AB_ATT_ERR_UNSUPPORTED_GROUP_TYPE));
  walk_free(w);
}

/* 4.5.1: the UUID is in the entry only if it has 16 bits; else it is read from the declaration */
static void included_services_of_both_widths(void **state) {
  walk *w = walk_new(AB_GATT_INCLUDES, 0x10, 0x20, NULL);

  (void) state;
  fetch(w, "< 08 1000 2000 0228\n> 09 08 1100 0100 0400 0f18 1200 3000 3000 1a18\n");
  found(w, "180f", 0x11, 1, 4);
  found(w, "181a", 0x12, 0x30, 0x30);
  fetch(w, "< 08 1300 2000 0228\n> 09 06 1300 4000 4f00 1400 5000 ffff\n");
  fetch(w, "< 0a 4000\n> 0b " LONG_UUID "\n");
  found(w, LONG_TEXT, 0x13, 0x40, 0x4f);
  fetch(w, "< 0a 5000\n> 0b 0f18\n"); /* a server that leaves out what it could have said */
  found(w, "180f", 0x14, 0x50, 0xffff);
  fetch(w, "< 08 1500 2000 0228\n> 01 08 1500 0a\n");
  ended(w, 0);
  walk_free(w);
}

static void a_uuid_that_cannot_be_the_one_wanted_is_not_read(void **state) {
  aioble_uuid_t narrow = aioble_uuid16(0x181a), wide;
  walk *w = walk_new(AB_GATT_INCLUDES, 0x10, 0x14, &narrow);

  (void) state;
  fetch(w, "< 08 1000 1400 0228\n> 09 06 1100 4000 4f00 1200 5000 5f00\n");
  fetch(w, "< 08 1300 1400 0228\n> 09 08 1300 0100 0400 0f18 1400 3000 3000 1a18\n");
  found(w, "181a", 0x14, 0x30, 0x30);
  ended(w, 0);
  walk_free(w);
  assert_int_equal(aioble_uuid_parse(&wide, LONG_TEXT), 0);
  w = walk_new(AB_GATT_INCLUDES, 0x10, 0x12, &wide);
  fetch(w, "< 08 1000 1200 0228\n> 09 08 1100 0100 0400 0f18\n");
  fetch(w, "< 08 1200 1200 0228\n> 09 06 1200 4000 4f00\n");
  fetch(w, "< 0a 4000\n> 0b " LONG_UUID "\n");
  found(w, LONG_TEXT, 0x12, 0x40, 0x4f);
  ended(w, 0);
  walk_free(w);
}

static void an_included_service_whose_uuid_cannot_be_read_is_an_error(void **state) {
  static const struct {
    const char *answer;
    int status;
  } cases[] = {{"< 0a 4000\n> 01 0a 4000 05\n", AIOBLE_ERR_ATT(0x05)},
               {"< 0a 4000\n> 01 0a 4000 0a\n", AIOBLE_ERR_ATT(0x0a)},
               {"< 0a 4000\n> 0b\n", AIOBLE_EPROTO},
               {"< 0a 4000\n> 0b 0102 0304\n", AIOBLE_EPROTO},
               {"< 0a 4000\n> 0b " LONG_UUID "00\n", AIOBLE_EPROTO}};

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    walk *w = walk_new(AB_GATT_INCLUDES, 0x10, 0x30, NULL);

    fetch(w, "< 08 1000 3000 0228\n> 09 06 1100 4000 4f00 1200 5000 5f00\n");
    fetch(w, cases[i].answer);
    ended(w, cases[i].status);
    walk_free(w);
  }
}

/* 4.8.2: whatever length the values have */
static void values_of_a_type_come_with_their_handles(void **state) {
  aioble_uuid_t uuid = aioble_uuid16(0x2a6e);
  walk *w = walk_new(AB_GATT_VALUES, 0x10, 0x30, &uuid);
  ab_gatt_item item;

  (void) state;
  fetch(w, "< 08 1000 3000 6e2a\n> 09 04 1200 aabb 1400 ccdd\n");
  assert_int_equal(ab_gatt_disc_next(&w->disc, &item), 1);
  assert_int_equal(item.handle, 0x12);
  assert_int_equal(ab_rd_le16(&item.data), 0xbbaa);
  assert_true(ab_rd_done(&item.data));
  found(w, "2a6e", 0x14, 0, 0x14);
  fetch(w, "< 08 1500 3000 6e2a\n> 09 02 3000\n");
  assert_int_equal(ab_gatt_disc_next(&w->disc, &item), 1);
  assert_int_equal(ab_rd_left(&item.data), 0);
  ended(w, 0);
  walk_free(w);
}

static void descriptors_of_both_widths(void **state) {
  walk *w = walk_new(AB_GATT_DESCS, 0x13, 0x17, NULL);

  (void) state;
  fetch(w, "< 04 1300 1700\n> 05 01 1300 0229 1400 0129\n");
  found(w, "2902", 0x13, 0, 0x13);
  found(w, "2901", 0x14, 0, 0x14);
  fetch(w, "< 04 1500 1700\n> 05 02 1500 " LONG_UUID "\n");
  found(w, LONG_TEXT, 0x15, 0, 0x15);
  fetch(w, "< 04 1600 1700\n> 05 01 1600 0429 1700 0329\n");
  found(w, "2904", 0x16, 0, 0x16);
  found(w, "2903", 0x17, 0, 0x17);
  ended(w, 0);
  walk_free(w);
}

static void descriptors_end_at_the_next_declaration(void **state) {
  walk *w = walk_new(AB_GATT_DESCS, 0x13, 0x30, NULL);

  (void) state;
  fetch(w, "< 04 1300 3000\n> 05 01 1300 0229 1400 0328 1500 6e2a 1600 0229\n");
  found(w, "2902", 0x13, 0, 0x13);
  ended(w, 0);
  walk_free(w);
}

static void a_descriptor_is_not_found_in_the_next_characteristic(void **state) {
  aioble_uuid_t cccd = aioble_uuid16(0x2902);
  walk *w = walk_new(AB_GATT_DESCS, 0x13, 0x30, &cccd);

  (void) state;
  fetch(w, "< 04 1300 3000\n> 05 01 1300 0129 1400 0328 1500 6e2a 1600 0229\n");
  ended(w, 0);
  walk_free(w);
}

static void an_empty_range_asks_for_nothing(void **state) {
  walk *w = walk_new(AB_GATT_DESCS, 0x13, 0x12, NULL);

  (void) state;
  ended(w, 0);
  walk_free(w);
  w = walk_new(AB_GATT_DESCS, 0x10000, 0xffff, NULL);
  ended(w, 0);
  walk_free(w);
}

/* hostile: handles that do not advance, wrap, leave the range; entry lengths that do not fit */
static void an_answer_that_makes_no_sense_is_eproto(void **state) {
  static const char *const asked[] = {[AB_GATT_SERVICES] = "< 10 1000 3000 0028\n",
                                      [AB_GATT_SECONDARY] = "< 10 1000 3000 0128\n",
                                      [AB_GATT_INCLUDES] = "< 08 1000 3000 0228\n",
                                      [AB_GATT_CHARS] = "< 08 1000 3000 0328\n",
                                      [AB_GATT_DESCS] = "< 04 1000 3000\n"};
  static const struct {
    ab_gatt_disc_kind kind;
    const char *answer;
    unsigned good; /* items before it */
  } cases[] = {
      {AB_GATT_SERVICES, "> 11 06 0f00 2000 0018\n", 0},                /* before what was asked */
      {AB_GATT_SERVICES, "> 11 06 0000 ffff 0018\n", 0},                /* handle 0 */
      {AB_GATT_SERVICES, "> 11 06 2000 1f00 0018\n", 0},                /* ends before it starts */
      {AB_GATT_SERVICES, "> 11 06 2000 3100 0018\n", 0},                /* ends behind the range */
      {AB_GATT_SERVICES, "> 11 06 1000 2000 0018 2000 2100 0118\n", 1}, /* overlap */
      {AB_GATT_SERVICES, "> 11 06 1000 1100 0018 1000 1100 0018\n", 1}, /* the same again */
      {AB_GATT_SERVICES, "> 11 06 2000 2100 0018 1000 1100 0018\n", 1}, /* backwards */
      {AB_GATT_SERVICES, "> 11 00 1000 1100 0018\n", 0},
      {AB_GATT_SERVICES, "> 11 01 1000 1100 0018\n", 0},
      {AB_GATT_SERVICES, "> 11 05 1000 1100 00\n", 0},
      {AB_GATT_SERVICES, "> 11 08 1000 1100 00000000\n", 0}, /* a 32-bit UUID does not exist here */
      {AB_GATT_SERVICES, "> 11 06 1000 1100 0018 00\n", 0},  /* not a multiple */
      {AB_GATT_SERVICES, "> 11 14 1000 1100 0018\n", 0},     /* longer than the PDU */
      {AB_GATT_SERVICES, "> 11 ff 1000 1100 0018\n", 0},
      {AB_GATT_SERVICES, "> 11 06\n", 0},
      {AB_GATT_CHARS, "> 09 07 1000 02 1000 6e2a\n", 0}, /* the value is not behind */
      {AB_GATT_CHARS, "> 09 07 1000 02 0100 6e2a\n", 0},
      {AB_GATT_CHARS, "> 09 07 1000 02 3100 6e2a\n", 0}, /* … or outside the service */
      {AB_GATT_CHARS, "> 09 07 3000 02 3100 6e2a\n", 0},
      {AB_GATT_CHARS, "> 09 07 1000 02 1100 6e2a 1100 02 1200 6e2a\n", 0}, /* runs into it */
      {AB_GATT_CHARS, "> 09 07 1000 02 1100 6e2a 0000 02 1200 6e2a\n", 0},
      {AB_GATT_CHARS, "> 09 06 1000 02 1100 6e\n", 0},
      {AB_GATT_CHARS, "> 09 07 1000 02 1100 6e2a 1200\n", 0},
      {AB_GATT_DESCS, "> 05 01 1000 0229 1000 0229\n", 1},
      {AB_GATT_DESCS, "> 05 01 0f00 0229\n", 0},
      {AB_GATT_DESCS, "> 05 01 3000 0229 3100 0229\n", 1},
      {AB_GATT_DESCS, "> 05 00 1000 0229\n", 0},
      {AB_GATT_DESCS, "> 05 03 1000 0229\n", 0},
      {AB_GATT_DESCS, "> 05 02 1000 0229\n", 0},
      {AB_GATT_DESCS, "> 05 01 1000 0229 11\n", 0},
      {AB_GATT_SECONDARY, "> 11 06 0f00 2000 0018\n", 0},
      {AB_GATT_SECONDARY, "> 11 06 2000 3100 0018\n", 0},
      {AB_GATT_INCLUDES, "> 09 08 0f00 4000 4000 0f18\n", 0}, /* before what was asked */
      {AB_GATT_INCLUDES, "> 09 08 3100 4000 4000 0f18\n", 0}, /* behind it */
      {AB_GATT_INCLUDES, "> 09 08 1000 4000 3f00 0f18\n", 0}, /* ends before it starts */
      {AB_GATT_INCLUDES, "> 09 08 1000 0000 3f00 0f18\n", 0},
      {AB_GATT_INCLUDES, "> 09 06 1000 4000 3f00\n", 0},
      {AB_GATT_INCLUDES, "> 09 08 1000 4000 4000 0f18 1000 4000 4000 0f18\n", 1},
      {AB_GATT_INCLUDES, "> 09 07 1000 4000 4000 0f\n", 0},
      {AB_GATT_INCLUDES, "> 09 16 1000 4000 4000 " LONG_UUID "\n", 0},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    walk *w = walk_new(cases[i].kind, 0x10, 0x30, NULL);
    char lines[200];
    ab_gatt_item item;

    (void) snprintf(lines, sizeof lines, "%s%s", asked[cases[i].kind], cases[i].answer);
    fetch(w, lines);
    for (unsigned n = 0; n < cases[i].good; n++)
      assert_int_equal(ab_gatt_disc_next(&w->disc, &item), 1);
    ended(w, AIOBLE_EPROTO);
    walk_free(w);
  }
}

/* hostile: a server that answers every request cannot keep us longer than it has handles */
static void an_endless_server_ends(void **state) {
  walk *w = walk_new(AB_GATT_DESCS, 0xfff0, 0xffff, NULL);
  unsigned n = 0;

  (void) state;
  for (uint32_t handle = 0xfff0; handle <= 0xffff; handle++, n++) {
    char lines[100];

    (void) snprintf(lines, sizeof lines, "< 04 %02x ff ffff\n> 05 01 %02x ff 0229\n", handle & 0xff,
                    handle & 0xff);
    fetch(w, lines);
    found(w, "2902", (uint16_t) handle, 0, (uint16_t) handle);
  }
  assert_int_equal(n, 16);
  ended(w, 0);
  walk_free(w);
}

static void an_iterator_left_in_the_middle_blocks_nobody(void **state) {
  walk *w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);
  ab_gatt_disc other;
  ab_gatt_item item;

  (void) state;
  assert_int_equal(ab_gatt_disc_next(&w->disc, &item), AIOBLE_EAGAIN);
  ab_gatt_disc_fetch(&w->disc, fetched);
  ab_gatt_disc_stop(&w->disc);
  ab_gatt_disc_init(&other, &w->peer->att, AB_GATT_DESCS, 3, 4, NULL);
  ab_gatt_disc_fetch(&other, fetched);
  att_peer_play(w->peer, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018\n< 04 0300 0400\n");
  assert_int_equal(w->fetched, 0);
  ab_gatt_disc_stop(&other);
  walk_free(w);
}

static void two_iterators_take_turns(void **state) {
  walk *a = walk_new(AB_GATT_DESCS, 1, 2, NULL), b = {.peer = a->peer};

  (void) state;
  ab_gatt_disc_init(&b.disc, &a->peer->att, AB_GATT_DESCS, 5, 6, NULL);
  ab_gatt_disc_fetch(&a->disc, fetched);
  ab_gatt_disc_fetch(&b.disc, fetched);
  att_peer_play(a->peer, "< 04 0100 0200\n> 05 01 0100 0229\n< 04 0500 0600\n");
  found(a, "2902", 1, 0, 1);
  ab_gatt_disc_fetch(&a->disc, fetched);
  att_peer_play(a->peer, "> 05 01 0600 0129\n< 04 0200 0200\n> 01 04 0200 0a\n");
  found(&b, "2901", 6, 0, 6);
  ended(&b, 0);
  ended(a, 0);
  walk_free(a);
}

static void the_end_of_the_link_is_told(void **state) {
  walk *w = walk_new(AB_GATT_SERVICES, 1, 0xffff, NULL);

  (void) state;
  ab_gatt_disc_fetch(&w->disc, fetched);
  ab_att_close(&w->peer->att, AIOBLE_ENOTCONN);
  assert_int_equal(w->fetched, 1);
  att_peer_play(w->peer, "< 10 0100 ffff 0028\n");
  ended(w, AIOBLE_ENOTCONN);
  walk_free(w);
}

/* that was refused for want of security, and is sent once more */
static void each_kind_goes_on_where_it_was_held(void **state) {
  static const struct {
    ab_gatt_disc_kind kind;
    const char *lines;
  } cases[] = {
      {AB_GATT_SERVICES,
       "< 10 0100 ffff 0028\n> 01 10 0100 05\n< 10 0100 ffff 0028\n> 01 10 0100 0a\n"},
      {AB_GATT_INCLUDES,
       "< 08 0100 ffff 0228\n> 01 08 0100 0f\n< 08 0100 ffff 0228\n> 01 08 0100 0a\n"},
      {AB_GATT_CHARS,
       "< 08 0100 ffff 0328\n> 01 08 0100 0c\n< 08 0100 ffff 0328\n> 01 08 0100 0a\n"},
      {AB_GATT_DESCS, "< 04 0100 ffff\n> 01 04 0100 05\n< 04 0100 ffff\n> 01 04 0100 0a\n"},
  };

  (void) state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    walk *w = walk_new(cases[i].kind, 1, 0xffff, NULL);

    w->peer->verdict = AB_ATT_REPEATS;
    fetch(w, cases[i].lines);
    ended(w, 0);
    assert_int_equal(w->peer->refused, 1);
    walk_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(services_come_in_order_over_several_responses_and_widths),
      cmocka_unit_test(attribute_not_found_is_the_normal_end),
      cmocka_unit_test(any_other_error_is_told),
      cmocka_unit_test(a_uuid_is_asked_for_as_servers_hold_it),
      cmocka_unit_test(services_by_uuid_may_be_several),
      cmocka_unit_test(characteristics_end_before_the_next_one_or_with_their_service),
      cmocka_unit_test(a_value_at_the_end_of_the_service_needs_no_further_request),
      cmocka_unit_test(characteristics_with_a_uuid_are_picked_from_all),
      cmocka_unit_test(no_characteristic_is_looked_for_where_none_fits),
      cmocka_unit_test(a_characteristic_whose_end_cannot_be_learnt_ends_with_its_service),
      cmocka_unit_test(secondary_services_are_asked_for_like_primary_ones),
      cmocka_unit_test(a_server_that_knows_no_secondary_services_has_none),
      cmocka_unit_test(included_services_of_both_widths),
      cmocka_unit_test(a_uuid_that_cannot_be_the_one_wanted_is_not_read),
      cmocka_unit_test(an_included_service_whose_uuid_cannot_be_read_is_an_error),
      cmocka_unit_test(values_of_a_type_come_with_their_handles),
      cmocka_unit_test(descriptors_of_both_widths),
      cmocka_unit_test(descriptors_end_at_the_next_declaration),
      cmocka_unit_test(a_descriptor_is_not_found_in_the_next_characteristic),
      cmocka_unit_test(an_empty_range_asks_for_nothing),
      cmocka_unit_test(an_answer_that_makes_no_sense_is_eproto),
      cmocka_unit_test(an_endless_server_ends),
      cmocka_unit_test(an_iterator_left_in_the_middle_blocks_nobody),
      cmocka_unit_test(two_iterators_take_turns),
      cmocka_unit_test(the_end_of_the_link_is_told),
      cmocka_unit_test(each_kind_goes_on_where_it_was_held),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
