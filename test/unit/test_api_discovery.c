/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include "helpers/fake_env.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_first_of_a_kind_or_enoent(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_service_t *service = client_bed_service(bed);
  aioble_client_char_t *chr;
  aioble_op_t *op;
  uint16_t first, last;
  outcome o;

  (void) state;
  aioble_client_service_range(service, &first, &last);
  assert_int_equal(first, 1);
  assert_int_equal(last, 9);
  assert_ptr_equal(aioble_client_service_conn(service), bed->conn);
  client_bed_then(&o, aioble_conn_service(bed->conn, aioble_uuid16(0x1800)));
  client_bed_play(bed, "< 06 0100 ffff 0028 0018\n> 01 06 0100 0a\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ENOENT);

  op = aioble_client_service_char(service, aioble_uuid16(0x2a6f));
  client_bed_play(bed, "< 08 0100 0900 0328\n> 09 07 0200 02 0300 6e2a 0400 12 0500 6f2a\n");
  assert_int_equal(aioble_op_status(op), 0);
  chr = aioble_client_char_ref(aioble_op_char(op));
  aioble_op_unref(op);
  assert_int_equal(aioble_client_char_handle(chr), 5);
  assert_int_equal(aioble_client_char_properties(chr), 0x12);
  assert_ptr_equal(aioble_client_char_service(chr), service);
  client_bed_then(&o, aioble_client_service_char(service, aioble_uuid16(0x2a00)));
  client_bed_play(bed, "< 08 0100 0900 0328\n> 09 07 0200 02 0300 6e2a\n"
                       "< 08 0400 0900 0328\n> 01 08 0400 0a\n");
  assert_int_equal(o.status, AIOBLE_ENOENT);

  client_bed_then(&o, aioble_client_char_desc(chr, aioble_uuid16(0x2901)));
  client_bed_play(bed, "< 04 0600 0900\n> 05 01 0600 0229 0700 0129\n");
  assert_int_equal(o.status, 0);
  assert_int_equal(o.handle, 7);
  aioble_client_char_unref(chr);
  aioble_client_service_unref(service);
  client_bed_free(bed);
}

static aioble_client_service_t *found_service(aioble_op_t *op) {
  aioble_client_service_t *service = aioble_client_service_ref(aioble_op_service(op));

  aioble_op_unref(op);
  return service;
}

static void an_included_service_is_as_good_as_any(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_service_t *service = client_bed_service(bed), *included;
  aioble_discovery_t *d;
  aioble_op_t *op = aioble_client_service_include(service, aioble_uuid16(0x180f));
  uint16_t first, last;
  outcome o;

  (void) state;
  client_bed_play(bed, "< 08 0100 0900 0228\n> 09 08 0200 4000 4500 0f18\n");
  included = found_service(op);
  aioble_client_service_range(included, &first, &last);
  assert_int_equal(first, 0x40);
  assert_int_equal(last, 0x45);
  client_bed_then(&o, aioble_client_service_char(included, aioble_uuid16(0x2a19)));
  client_bed_play(bed, "< 08 4000 4500 0328\n> 09 07 4100 02 4200 192a\n");
  assert_int_equal(o.handle, 0x42);
  client_bed_then(&o, aioble_client_service_include(service, aioble_uuid16(0x1800)));
  client_bed_play(bed, "< 08 0100 0900 0228\n> 09 08 0200 4000 4500 0f18\n"
                       "< 08 0300 0900 0228\n> 01 08 0300 0a\n");
  assert_int_equal(o.status, AIOBLE_ENOENT);
  d = aioble_client_service_includes(service, NULL);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 08 0100 0900 0228\n> 09 06 0200 4000 4500\n"
                       "< 0a 4000\n> 0b 00112233445566778899aabbccddeeff\n");
  assert_int_equal(o.status, 0);
  assert_int_equal(o.handle, 0x40);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 08 0300 0900 0228\n> 01 08 0300 0a\n");
  assert_int_equal(o.status, AIOBLE_EOF);
  aioble_discovery_unref(d);
  aioble_client_service_unref(included);
  aioble_client_service_unref(service);
  client_bed_free(bed);
}

static void secondary_services_are_found_apart(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_secondary_services(bed->conn, NULL);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 10 0100 ffff 0128\n> 11 06 4000 ffff 0f18\n");
  assert_int_equal(o.handle, 0x40);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EOF);
  aioble_discovery_unref(d);
  client_bed_then(&o, aioble_conn_secondary_service(bed->conn, aioble_uuid16(0x180f)));
  client_bed_play(bed, "< 06 0100 ffff 0128 0f18\n> 07 4000 4500\n");
  assert_int_equal(o.handle, 0x40);
  client_bed_free(bed);
}

static void an_iterator_yields_one_by_one_then_eof(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o;

  (void) state;
  client_bed_play(bed, ""); /* it asks for nothing by itself */
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018 0800 0800 0118\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.handle, 1);
  client_bed_then(&o, aioble_discovery_next(d));
  assert_int_equal(o.calls, 0);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.handle, 8);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 10 0900 ffff 0028\n> 01 10 0900 0a\n");
  assert_int_equal(o.status, AIOBLE_EOF);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_EOF);
  aioble_discovery_unref(d);
  client_bed_free(bed);
}

static void several_may_wait_and_are_served_in_turn(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o[4];

  (void) state;
  for (int i = 0; i < 4; i++)
    client_bed_then(&o[i], aioble_discovery_next(d));
  aioble_discovery_unref(d); /* the ops keep it */
  aioble_op_cancel(o[1].op);
  client_bed_play(bed, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018 0800 0800 0118\n"
                       "< 10 0900 ffff 0028\n> 01 10 0900 0e\n");
  assert_int_equal(o[0].handle, 1);
  assert_int_equal(o[1].status, AIOBLE_ECANCELED);
  assert_int_equal(o[2].handle, 8);
  assert_int_equal(o[3].status, AIOBLE_ERR_ATT(AB_ATT_ERR_UNLIKELY));
  for (int i = 0; i < 4; i++)
    assert_int_equal(o[i].calls, 1);
  client_bed_free(bed);
}

static void a_cancelled_or_late_next_loses_nothing(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_discovery_next(d));
  aioble_op_cancel(o.op);
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, AIOBLE_ECANCELED);
  client_bed_then(&o, aioble_discovery_next(d)); /* waits for the same response */
  client_bed_run_ms(bed, 1999);
  assert_int_equal(o.calls, 0);
  client_bed_run_ms(bed, 1);
  assert_int_equal(o.calls, 1);
  assert_int_equal(o.status, AIOBLE_ETIMEDOUT);
  client_bed_play(bed, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018\n");
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, 0);
  assert_int_equal(o.handle, 1);
  aioble_discovery_unref(d);
  client_bed_free(bed);
}

static void an_abandoned_iterator_blocks_nobody(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o, other;

  (void) state;
  client_bed_then(&o, aioble_discovery_next(d));
  aioble_op_cancel(o.op);
  client_bed_run_ms(bed, 0);
  aioble_discovery_unref(d); /* a request of it is on the air */
  client_bed_then(&other, aioble_conn_service(bed->conn, aioble_uuid16(0x1801)));
  client_bed_play(bed, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018\n"
                       "< 06 0100 ffff 0028 0118\n> 07 0800 ffff\n");
  assert_int_equal(o.calls, 1);
  assert_int_equal(other.handle, 8);
  client_bed_free(bed);
}

static void iterators_may_be_nested(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *services = aioble_conn_services(bed->conn, NULL), *chars;
  aioble_client_service_t *service;
  aioble_op_t *op;
  outcome o;

  (void) state;
  op = aioble_discovery_next(services);
  client_bed_play(bed, "< 10 0100 ffff 0028\n> 11 06 0100 0700 0018 0800 0900 0118\n");
  service = aioble_client_service_ref(aioble_op_service(op));
  aioble_op_unref(op);
  chars = aioble_client_service_chars(service, NULL);
  aioble_client_service_unref(service); /* the iterator keeps it */
  client_bed_then(&o, aioble_discovery_next(chars));
  client_bed_play(bed, "< 08 0100 0700 0328\n> 09 07 0200 02 0300 002a\n"
                       "< 08 0400 0700 0328\n> 01 08 0400 0a\n");
  assert_int_equal(o.handle, 3);
  client_bed_then(&o, aioble_discovery_next(services));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.handle, 8);
  aioble_discovery_unref(chars);
  aioble_discovery_unref(services);
  client_bed_free(bed);
}

static void the_end_of_the_link_is_told_to_all(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_service_t *service = client_bed_service(bed);
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o[4];

  (void) state;
  client_bed_then(&o[0], aioble_discovery_next(d));
  client_bed_then(&o[1], aioble_discovery_next(d));
  client_bed_play(bed, "< 10 0100 ffff 0028\n");
  client_bed_disconnect(bed);
  client_bed_then(&o[2], aioble_discovery_next(d));
  client_bed_then(&o[3], aioble_client_service_char(service, aioble_uuid16(0x2a6e)));
  client_bed_run_ms(bed, 0);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(o[i].calls, 1);
    assert_int_equal(o[i].status, AIOBLE_ENOTCONN);
  }
  aioble_discovery_unref(d);
  aioble_client_service_unref(service);
  client_bed_free(bed);
}

/* the item stays for the next try */
static void no_memory_for_a_handle_loses_no_item(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d = aioble_conn_services(bed->conn, NULL);
  outcome o;

  (void) state;
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_play(bed, "< 10 0100 ffff 0028\n");
  fake_env_fail_at(bed->memory, 1);
  client_bed_play(bed, "> 11 06 0100 0700 0018\n");
  assert_int_equal(o.status, AIOBLE_ENOMEM);
  client_bed_then(&o, aioble_discovery_next(d));
  client_bed_run_ms(bed, 0);
  assert_int_equal(o.status, 0);
  assert_int_equal(o.handle, 1);
  aioble_discovery_unref(d);
  client_bed_free(bed);
}

static void no_memory_for_an_iterator_is_told_by_next(void **state) {
  client_bed *bed = client_bed_new();
  aioble_discovery_t *d;
  outcome o;

  (void) state;
  fake_env_fail_at(bed->memory, 1);
  d = aioble_conn_services(bed->conn, NULL);
  assert_null(d);
  client_bed_then(&o, aioble_discovery_next(d));
  assert_int_equal(o.status, AIOBLE_ENOMEM);
  assert_null(aioble_discovery_unref(d));
  client_bed_free(bed);
}

static void a_uuid_that_is_none_is_einval(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, AIOBLE_PROP_READ);
  aioble_uuid_t none = {0}, odd = {.size = 3};
  outcome o[3];

  (void) state;
  client_bed_then(&o[0], aioble_conn_service(bed->conn, none));
  client_bed_then(&o[1], aioble_client_service_char(aioble_client_char_service(chr), odd));
  client_bed_then(&o[2], aioble_client_char_desc(chr, none));
  client_bed_run_ms(bed, 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(o[i].status, AIOBLE_EINVAL);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void null_handles_are_not_connected(void **state) {
  aioble_discovery_t *d[] = {
      aioble_conn_services(NULL, NULL), aioble_conn_secondary_services(NULL, NULL),
      aioble_client_service_includes(NULL, NULL), aioble_client_service_chars(NULL, NULL),
      aioble_client_char_descs(NULL, NULL)};
  outcome o;

  (void) state;
  for (size_t i = 0; i < 5; i++) {
    client_bed_then(&o, aioble_discovery_next(aioble_discovery_ref(d[i])));
    assert_int_equal(o.status, AIOBLE_ENOTCONN);
    aioble_discovery_unref(d[i]);
    aioble_discovery_unref(d[i]);
  }
  client_bed_then(&o, aioble_conn_service(NULL, aioble_uuid16(1)));
  assert_int_equal(o.status, AIOBLE_ENOTCONN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_of_a_kind_or_enoent),
      cmocka_unit_test(an_included_service_is_as_good_as_any),
      cmocka_unit_test(secondary_services_are_found_apart),
      cmocka_unit_test(an_iterator_yields_one_by_one_then_eof),
      cmocka_unit_test(several_may_wait_and_are_served_in_turn),
      cmocka_unit_test(a_cancelled_or_late_next_loses_nothing),
      cmocka_unit_test(an_abandoned_iterator_blocks_nobody),
      cmocka_unit_test(iterators_may_be_nested),
      cmocka_unit_test(the_end_of_the_link_is_told_to_all),
      cmocka_unit_test(no_memory_for_a_handle_loses_no_item),
      cmocka_unit_test(no_memory_for_an_iterator_is_told_by_next),
      cmocka_unit_test(a_uuid_that_is_none_is_einval),
      cmocka_unit_test(null_handles_are_not_connected),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
