/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_handle_knows_what_was_found(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, AIOBLE_PROP_READ | AIOBLE_PROP_NOTIFY);
  aioble_client_service_t *service = aioble_client_char_service(chr);
  aioble_uuid_t uuid = aioble_client_char_uuid(chr), temperature = aioble_uuid16(0x2a6e);
  uint16_t first, last;

  (void) state;
  assert_true(aioble_uuid_equal(&uuid, &temperature));
  assert_int_equal(aioble_client_char_properties(chr), AIOBLE_PROP_READ | AIOBLE_PROP_NOTIFY);
  assert_int_equal(aioble_client_char_handle(chr), 3);
  uuid = aioble_client_service_uuid(service);
  assert_true(aioble_uuid_equal(&uuid, &AIOBLE_UUID16(0x181a)));
  aioble_client_service_range(service, &first, &last);
  assert_int_equal(first, 1);
  assert_int_equal(last, 9);
  aioble_client_char_unref(chr);
  client_bed_free(bed);
}

static void handles_keep_their_parents_and_the_connection(void **state) {
  client_bed *bed = client_bed_new();
  aioble_client_char_t *chr = client_bed_char(bed, AIOBLE_PROP_READ);
  aioble_op_t *op = aioble_client_char_desc(chr, aioble_uuid16(0x2901));
  aioble_client_desc_t *desc;
  uint32_t refs = bed->conn->refs;

  (void) state;
  client_bed_play(bed, "< 04 0400 0900\n> 05 01 0400 0129\n");
  desc = aioble_client_desc_ref(aioble_op_desc(op));
  aioble_op_unref(op);
  aioble_client_char_unref(chr);
  assert_ptr_equal(aioble_client_desc_char(desc), chr);
  assert_ptr_equal(aioble_client_service_conn(aioble_client_char_service(chr)), bed->conn);
  client_bed_disconnect(bed);
  assert_true(bed->conn->refs >= 2);
  aioble_client_desc_unref(desc);
  assert_int_equal(bed->conn->refs, 1);
  assert_true(refs > 1);
  client_bed_free(bed);
}

static void nothing_comes_of_null(void **state) {
  uint16_t first = 1, last = 1;

  (void) state;
  assert_null(aioble_op_service(NULL));
  assert_null(aioble_op_char(NULL));
  assert_null(aioble_op_desc(NULL));
  assert_null(aioble_client_service_ref(NULL));
  assert_null(aioble_client_char_ref(NULL));
  assert_null(aioble_client_desc_ref(NULL));
  assert_null(aioble_client_service_unref(NULL));
  assert_null(aioble_client_char_unref(NULL));
  assert_null(aioble_client_desc_unref(NULL));
  assert_null(aioble_client_service_conn(NULL));
  assert_null(aioble_client_char_service(NULL));
  assert_null(aioble_client_desc_char(NULL));
  aioble_client_service_range(NULL, &first, &last);
  assert_int_equal(first | last, 0);
  assert_int_equal(aioble_client_service_uuid(NULL).size, 0);
  assert_int_equal(aioble_client_char_uuid(NULL).size, 0);
  assert_int_equal(aioble_client_desc_uuid(NULL).size, 0);
  assert_int_equal(aioble_client_char_handle(NULL), 0);
  assert_int_equal(aioble_client_desc_handle(NULL), 0);
  assert_int_equal(aioble_client_char_properties(NULL), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handle_knows_what_was_found),
      cmocka_unit_test(handles_keep_their_parents_and_the_connection),
      cmocka_unit_test(nothing_comes_of_null),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
