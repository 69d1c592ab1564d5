/* SPDX-License-Identifier: MIT */
#include "gatt/gatt_server_priv.h"
#include "helpers/gatt_bed.h"
#include "helpers/hex.h"
#include <aioble/server.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void handles_are_in_order_of_definition(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_table t = bed_standard(bed);

  (void) state;
  assert_int_equal(bed->server.name.handle, 0x03);
  assert_int_equal(bed->server.service_changed.handle, 0x08);
  assert_int_equal(t.temperature->value.handle, 0x12);
  assert_int_equal(t.humidity->value.handle, 0x15);
  assert_int_equal(t.format->value.handle, 0x17);
  assert_int_equal(t.hidden->value.handle, 0x1a);
  assert_int_equal(t.extra->value.handle, 0x1e);
  assert_int_equal(t.second->value.handle, 0x21);
  assert_int_equal(bed->server.db->n, 0x21);
  gatt_bed_free(bed);
}

static void groups_end_where_the_next_begins(void **state) {
  static const struct {
    uint16_t handle, end;
  } ends[] = {{0x01, 0x05}, {0x02, 0x03}, {0x06, 0x0f}, {0x07, 0x09}, {0x10, 0x17}, {0x11, 0x13},
              {0x12, 0x12}, {0x13, 0x13}, {0x14, 0x17}, {0x18, 0x1e}, {0x1b, 0x1e}, {0x1f, 0x21}};
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    assert_int_equal(ab_gatt_db_attr(bed->server.db, ends[i].handle)->end, ends[i].end);
  gatt_bed_free(bed);
}

static void no_handle_beyond_the_table(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  assert_null(ab_gatt_db_attr(bed->server.db, 0));
  assert_non_null(ab_gatt_db_attr(bed->server.db, 0x21));
  assert_null(ab_gatt_db_attr(bed->server.db, 0x22));
  assert_null(ab_gatt_db_attr(bed->server.db, 0xffff));
  gatt_bed_free(bed);
}

static uint16_t found(const gatt_bed *bed, uint32_t first, uint16_t last, const char *text) {
  const ab_gatt_attr *attr;
  aioble_uuid_t uuid;

  assert_int_equal(aioble_uuid_parse(&uuid, text), 0);
  uuid = ab_gatt_uuid(&uuid);
  attr = ab_gatt_db_find(bed->server.db, first, last, &uuid);
  return attr ? ab_gatt_db_handle(bed->server.db, attr) : 0;
}

static void find_takes_the_first_of_the_type_in_the_range(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_standard(bed);
  assert_int_equal(found(bed, 0x01, 0xffff, "2a6e"), 0x12);
  assert_int_equal(found(bed, 0x12, 0x12, "2a6e"), 0x12);
  assert_int_equal(found(bed, 0x13, 0xffff, "2a6e"), 0x21);
  assert_int_equal(found(bed, 0x13, 0x20, "2a6e"), 0);
  assert_int_equal(found(bed, 0x22, 0xffff, "2a6e"), 0);
  assert_int_equal(found(bed, 0x10000, 0xffff, "2a6e"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, "2800"), 0x01);
  assert_int_equal(found(bed, 0x02, 0xffff, "2800"), 0x06);
  assert_int_equal(found(bed, 0x11, 0xffff, "2800"), 0x18);
  assert_int_equal(found(bed, 0x19, 0xffff, "2800"), 0x1f);
  assert_int_equal(found(bed, 0x20, 0xffff, "2800"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, "2801"), 0);
  assert_int_equal(found(bed, 0x01, 0xffff, LONG_CHAR), 0x1a);
  assert_int_equal(found(bed, 0x01, 0xffff, LONG_SERVICE), 0);
  gatt_bed_free(bed);
}

static void a_uuid_is_found_in_each_of_its_widths(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_service(bed, "181a");
  bed_char(bed, "00002a6e", AIOBLE_READ, "");
  bed_char(bed, "12345678", AIOBLE_READ, "");
  bed_char(bed, "00002a70-0000-1000-8000-00805f9b34fb", AIOBLE_READ, "");
  bed_install(bed);
  assert_int_equal(found(bed, 1, 0xffff, "2a6e"), 0x12);
  assert_int_equal(found(bed, 1, 0xffff, "00002a6e-0000-1000-8000-00805f9b34fb"), 0x12);
  assert_int_equal(found(bed, 1, 0xffff, "12345678"), 0x14);
  assert_int_equal(found(bed, 1, 0xffff, "12345678-0000-1000-8000-00805f9b34fb"), 0x14);
  assert_int_equal(found(bed, 1, 0xffff, "2a70"), 0x16);
  gatt_bed_free(bed);
}

static void a_table_may_have_65535_attributes_and_no_more(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *last = NULL;

  (void) state;
  bed_service(bed, "181a");
  for (unsigned n = 0x10; n + 2 <= 0xffff; n += 2)
    last = bed_char(bed, "2a6e", AIOBLE_READ, "");
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  bed_desc(bed, "2901", AIOBLE_READ, "41");
  assert_int_equal(ab_gatt_db_finish(bed->db), 0);
  bed_install(bed);
  assert_int_equal(last->value.handle, 0xfffe);
  bed_play(bed, "> 0a ff ff\n"
                "< 0b 41\n"
                "> 08 ff ff ff ff 01 29\n"
                "< 09 03 ff ff 41\n"
                "> 04 ff ff ff ff\n"
                "< 05 01 ff ff 01 29\n"
                "> 10 11 00 ff ff 00 28\n"
                "< 01 10 11 00 0a\n");
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181a");
  for (unsigned n = 0; n < 0xffff; n++)
    bed_desc(bed, "2901", AIOBLE_READ, "");
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOBUFS);
  gatt_bed_free(bed);
}

static void no_memory_sticks(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  bed_service(bed, "181a");
  fake_env_fail_at(bed->env, 1);
  for (unsigned n = 0; n < 32; n++)
    ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, NULL, 0);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOMEM);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, NULL, 0);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_ENOMEM);
  gatt_bed_free(bed);
}

static void the_last_reference_gives_the_table_back(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *first;

  (void) state;
  bed_service(bed, "181a");
  first = bed_char(bed, "2a6e", AIOBLE_READ | AIOBLE_NOTIFY, "");
  bed_install(bed);
  assert_int_equal(first->value.handle, 0x12);
  assert_int_equal(bed->releases, 0);
  bed->db = ab_gatt_db_new(&bed->server);
  bed_service(bed, "181a");
  bed_install(bed);
  assert_int_equal(bed->releases, 1);
  assert_int_equal(first->value.handle, 0);
  assert_int_equal(first->value.cccd, AB_GATT_NO_CCCD);
  gatt_bed_free(bed);
}

/* ---- gaps ---- */

static const char key_a[] = "a", key_b[] = "b", key_c[] = "c", key_d[] = "d";

/* one characteristic, and attributes in all */
static bed_value *small(gatt_bed *bed, const char *key, uint32_t attrs) {
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181a), false, key, attrs);
  return bed_char(bed, "2a6e", AIOBLE_READ, "01");
}

/* a at 10, b at 13, c at 18 */
static bed_value *three(gatt_bed *bed) {
  bed_value *last;

  small(bed, key_a, 3);
  small(bed, key_b, 5);
  bed_desc(bed, "2901", AIOBLE_READ, "");
  bed_desc(bed, "2901", AIOBLE_READ, "");
  last = small(bed, key_c, 3);
  bed_install(bed);
  bed->db = ab_gatt_db_copy(&bed->server);
  return last;
}

static void a_removed_service_leaves_a_gap_that_nothing_finds(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *last = three(bed);

  (void) state;
  ab_gatt_db_remove_service(bed->db, key_b);
  bed_install(bed);
  assert_int_equal(bed->server.db->n, 0x1a);
  assert_int_equal(last->value.handle, 0x1a);
  assert_null(ab_gatt_db_attr(bed->server.db, 0x13));
  assert_null(ab_gatt_db_attr(bed->server.db, 0x17));
  assert_int_equal(found(bed, 0x13, 0xffff, "2800"), 0x18);
  bed_play(bed, "> 0a 15 00\n"
                "< 01 0a 15 00 01\n"
                "> 12 15 00 00\n"
                "< 01 12 15 00 01\n"
                "> 04 12 00 18 00\n"
                "< 05 01 12 00 6e 2a 18 00 00 28\n"
                "> 04 13 00 17 00\n"
                "< 01 04 13 00 0a\n"
                "> 08 13 00 17 00 03 28\n"
                "< 01 08 13 00 0a\n"
                "> 10 10 00 ff ff 00 28\n"
                "< 11 06 10 00 12 00 1a 18 18 00 1a 00 1a 18\n");
  gatt_bed_free(bed);
}

static void a_new_service_goes_into_the_first_gap_that_holds_it(void **state) {
  gatt_bed *bed = gatt_bed_new();
  bed_value *v;

  (void) state;
  three(bed);
  ab_gatt_db_remove_service(bed->db, key_b);
  assert_non_null(small(bed, key_d, 6)); /* one too many: behind the last */
  v = small(bed, key_b, 4);
  bed_desc(bed, "2901", AIOBLE_READ, "");
  bed_install(bed);
  assert_int_equal(v->value.handle, 0x15);
  assert_int_equal(found(bed, 0x1a, 0xffff, "2800"), 0x1b);
  assert_null(ab_gatt_db_attr(bed->server.db, 0x17));
  bed->db = ab_gatt_db_copy(&bed->server);
  ab_gatt_db_add_service(bed->db, &AIOBLE_UUID16(0x181b), false, key_c, 1);
  bed_install(bed);
  bed_play(bed, "> 0a 17 00\n"
                "< 0b 1b 18\n");
  gatt_bed_free(bed);
}

static void a_gap_at_the_end_is_none(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  three(bed);
  ab_gatt_db_remove_service(bed->db, key_b);
  ab_gatt_db_remove_service(bed->db, key_c);
  assert_int_equal(bed->db->n, 0x12);
  ab_gatt_db_remove_service(bed->db, key_a);
  assert_int_equal(bed->db->n, 0x0f);
  small(bed, key_d, 9);
  bed_install(bed);
  assert_int_equal(found(bed, 0x10, 0xffff, "2800"), 0x10);
  gatt_bed_free(bed);
}

static void a_service_has_no_more_attributes_than_it_said(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  small(bed, key_a, 3);
  bed_desc(bed, "2901", AIOBLE_READ, "");
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_EINVAL);
  gatt_bed_free(bed);
}

static void only_what_is_there_can_be_removed(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  ab_gatt_db_remove_service(bed->db, NULL); /* not the library's own */
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_EINVAL);
  ab_gatt_db_unref(bed->db);
  bed->db = ab_gatt_db_new(&bed->server);
  ab_gatt_db_remove_service(bed->db, key_a);
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_EINVAL);
  ab_gatt_db_unref(bed->db);
  bed->db = ab_gatt_db_copy(&bed->server);
  bed_desc(bed, "2901", AIOBLE_READ, ""); /* to no service */
  assert_int_equal(ab_gatt_db_finish(bed->db), AIOBLE_EINVAL);
  gatt_bed_free(bed);
}

static void a_copy_needs_memory(void **state) {
  gatt_bed *bed = gatt_bed_new();

  (void) state;
  for (unsigned n = 1; n <= 2; n++) {
    fake_env_fail_at(bed->env, n);
    assert_null(ab_gatt_db_copy(&bed->server));
  }
  gatt_bed_free(bed);
}

/* ---- a table that is changed all the time, against a simple model of it ---- */

enum { SLOTS = 24, FIRST = 0x10, HANDLES = 400, ROUNDS = 10000 };

/* services that may be in the table, each of a size of its own */
typedef struct model {
  gatt_bed *bed;
  ab_gatt_value values[SLOTS], text;
  uint8_t key[SLOTS];
  unsigned at[SLOTS]; /* its first handle; 0: not in the table */
  bool used[HANDLES];
  uint32_t random;
} model;

/* declaration, characteristic of 2, for some a configuration, descriptors */
static unsigned size_of(const model *m, unsigned slot) {
  return (m->values[slot].props & AIOBLE_NOTIFY ? 4u : 3u) + slot % 5;
}

static unsigned chosen(model *m, unsigned below) {
  m->random = m->random * 1664525 + 1013904223;
  return (m->random >> 16) % below;
}

static void mark(model *m, unsigned slot, bool used) {
  for (unsigned i = 0; i < size_of(m, slot); i++)
    m->used[m->at[slot] + i] = used;
}

static unsigned first_gap(const model *m, unsigned size) {
  unsigned free = 0;

  for (unsigned h = FIRST; h < HANDLES; h++) {
    free = m->used[h] ? 0 : free + 1;
    if (free == size)
      return h - size + 1;
  }
  return 0;
}

static void fill(model *m, ab_gatt_db *db, unsigned slot) {
  ab_gatt_db_add_service(db, &AIOBLE_UUID16((uint16_t) (0x1900 + slot)), slot % 7 == 0,
                         &m->key[slot], size_of(m, slot));
  ab_gatt_db_add_char(db, &AIOBLE_UUID16((uint16_t) (0x2b40 + slot)), &m->values[slot]);
  for (unsigned i = 0; i < slot % 5; i++)
    ab_gatt_db_add_desc(db, &AIOBLE_UUID16(0x2901), &m->text);
}

static void toggle(model *m, ab_gatt_db *db, unsigned slot) {
  if (m->at[slot]) {
    ab_gatt_db_remove_service(db, &m->key[slot]);
    mark(m, slot, false);
    m->at[slot] = 0;
    return;
  }
  fill(m, db, slot);
  m->at[slot] = first_gap(m, size_of(m, slot));
  mark(m, slot, true);
}

static int slot_at(const model *m, unsigned handle) {
  for (int slot = 0; slot < SLOTS; slot++)
    if (m->at[slot] == handle)
      return slot;
  return -1;
}

/* put together in order of handles; what fills a gap is removed in the end */
static ab_gatt_db *fresh(model *m) {
  ab_gatt_db *db = ab_gatt_db_new(&m->bed->server);
  unsigned last = FIRST;

  for (unsigned slot = 0; slot < SLOTS; slot++)
    if (m->at[slot] + size_of(m, slot) > last)
      last = m->at[slot] + size_of(m, slot);
  for (unsigned h = FIRST; h < last;) {
    int slot = slot_at(m, h);

    if (slot < 0) {
      ab_gatt_db_add_service(db, &AIOBLE_UUID16(0x1800), false, &m->used[h], 1);
      h++;
    } else {
      fill(m, db, (unsigned) slot);
      h += size_of(m, (unsigned) slot);
    }
  }
  for (unsigned h = FIRST; h < last; h++)
    if (!m->used[h])
      ab_gatt_db_remove_service(db, &m->used[h]);
  return db;
}

/* the value is the third attribute of its service */
static void expect_like_the_model(const model *m) {
  unsigned cccds = 0;

  for (unsigned slot = 0; slot < SLOTS; slot++) {
    assert_int_equal(m->values[slot].handle, m->at[slot] ? m->at[slot] + 2 : 0);
    cccds += m->values[slot].cccd != AB_GATT_NO_CCCD;
  }
  for (unsigned h = FIRST; h < HANDLES; h++)
    assert_int_equal(ab_gatt_db_attr(m->bed->server.db, h) != NULL, m->used[h]);
  assert_int_equal(m->bed->server.db->n_cccds, 1 + cccds);
}

static void expect_same_hash(model *m) {
  ab_gatt_db *db = fresh(m);

  assert_int_equal(ab_gatt_db_finish(db), 0);
  assert_memory_equal(db->hash, m->bed->server.db->hash, sizeof db->hash);
  ab_gatt_db_unref(db);
}

static void services_come_and_go_and_the_others_stay_where_they_are(void **state) {
  model m = {.bed = gatt_bed_new(), .random = 1};

  (void) state;
  ab_gatt_value_init(&m.text, NULL, AIOBLE_READ, 0);
  for (unsigned slot = 0; slot < SLOTS; slot++)
    ab_gatt_value_init(&m.values[slot], NULL,
                       (uint8_t) (AIOBLE_READ | (slot % 2 ? AIOBLE_NOTIFY : 0)), 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    ab_gatt_db *db = ab_gatt_db_copy(&m.bed->server);

    for (unsigned n = chosen(&m, 3) + 1; n; n--)
      toggle(&m, db, chosen(&m, SLOTS));
    assert_int_equal(ab_gatt_db_finish(db), 0);
    assert_int_equal(ab_gatt_server_install(&m.bed->server, db), 0);
    expect_like_the_model(&m);
    if (round % 50 == 0)
      expect_same_hash(&m);
  }
  gatt_bed_free(m.bed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handles_are_in_order_of_definition),
      cmocka_unit_test(groups_end_where_the_next_begins),
      cmocka_unit_test(no_handle_beyond_the_table),
      cmocka_unit_test(find_takes_the_first_of_the_type_in_the_range),
      cmocka_unit_test(a_uuid_is_found_in_each_of_its_widths),
      cmocka_unit_test(a_table_may_have_65535_attributes_and_no_more),
      cmocka_unit_test(no_memory_sticks),
      cmocka_unit_test(the_last_reference_gives_the_table_back),
      cmocka_unit_test(a_removed_service_leaves_a_gap_that_nothing_finds),
      cmocka_unit_test(a_new_service_goes_into_the_first_gap_that_holds_it),
      cmocka_unit_test(a_gap_at_the_end_is_none),
      cmocka_unit_test(a_service_has_no_more_attributes_than_it_said),
      cmocka_unit_test(only_what_is_there_can_be_removed),
      cmocka_unit_test(a_copy_needs_memory),
      cmocka_unit_test(services_come_and_go_and_the_others_stay_where_they_are),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
