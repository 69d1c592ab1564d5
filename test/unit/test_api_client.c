/* SPDX-License-Identifier: MIT */
#include "helpers/client_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* ---- late responses ---- */

static aioble_op_t *read_one(aioble_client_char_t *chr) {
  return aioble_client_char_read(chr);
}

static aioble_op_t *write_one(aioble_client_char_t *chr) {
  return aioble_client_char_write(chr, "a", 1, AIOBLE_WRITE_REQUEST);
}

static aioble_op_t *write_long(aioble_client_char_t *chr) {
  return aioble_client_char_write(chr, "aaaaaaaaaaaaaaaaaaaaa", 21, AIOBLE_WRITE_REQUEST);
}

static aioble_op_t *find_service(aioble_client_char_t *chr) {
  return aioble_conn_service(aioble_client_service_conn(aioble_client_char_service(chr)),
                             aioble_uuid16(0x180f));
}

static aioble_op_t *find_char(aioble_client_char_t *chr) {
  return aioble_client_service_char(aioble_client_char_service(chr), aioble_uuid16(0x2a19));
}

static aioble_op_t *find_include(aioble_client_char_t *chr) {
  return aioble_client_service_include(aioble_client_char_service(chr), aioble_uuid16(0x180f));
}

static aioble_op_t *find_desc(aioble_client_char_t *chr) {
  return aioble_client_char_desc(chr, aioble_uuid16(0x2901));
}

static aioble_op_t *subscribe(aioble_client_char_t *chr) {
  return aioble_client_char_subscribe(chr, AIOBLE_SUBSCRIBE_NOTIFY);
}

static aioble_op_t *multiple(aioble_client_char_t *chr) {
  aioble_client_char_t *both[] = {chr, chr};

  return aioble_client_read_multiple(both, 2);
}

static aioble_op_t *variable(aioble_client_char_t *chr) {
  aioble_client_char_t *both[] = {chr, chr};

  return aioble_client_read_multiple_variable(both, 2);
}

static aioble_op_t *by_uuid(aioble_client_char_t *chr) {
  return aioble_client_service_read_by_uuid(aioble_client_char_service(chr), aioble_uuid16(0x2a6e));
}

/* The op ends while its request is on the air, by cancelling or in time: what waits behind it is
   sent after the late response, which it does not get. */
static void a_late_response_is_nobody_elses(void **state) {
  static const struct {
    aioble_op_t *(*start)(aioble_client_char_t *chr);
    const char *asked, *late;
  } cases[] = {
      {read_one, "< 0a 0300\n", "> 0b ee\n"},
      {write_one, "< 12 0300 61\n", "> 13\n"},
      {write_long, "< 16 0300 0000 61*18\n", "> 17 0300 0000 61*18\n"},
      {find_service, "< 06 0100 ffff 0028 0f18\n", "> 07 0500 0600\n"},
      {find_char, "< 08 0100 0900 0328\n", "> 09 07 0200 02 0300 192a\n"},
      {find_include, "< 08 0100 0900 0228\n", "> 09 08 0200 1000 1100 0f18\n"},
      {find_desc, "< 04 0400 0900\n", "> 05 01 0400 0129\n"},
      {subscribe, "< 04 0400 0900\n", "> 05 01 0400 0229\n"},
      {multiple, "< 0e 0300 0300\n", "> 0f eeee\n"},
      {variable, "< 20 0300 0300\n", "> 21 0100 ee 0100 ee\n"},
      {by_uuid, "< 08 0100 0900 6e2a\n", "> 09 03 0300 ee\n"},
  };

  (void) state;
  for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
    client_bed *bed = client_bed_new();
    aioble_client_char_t *chr = client_bed_char(bed, 0x3a);
    bool prepared = cases[i / 2].start == write_long; /* which is cancelled in the end */
    char lines[100];
    outcome o, read;

    client_bed_then(&o, cases[i / 2].start(chr));
    client_bed_play(bed, cases[i / 2].asked);
    if (i % 2)
      client_bed_run_ms(bed, 2000);
    else
      aioble_op_cancel(o.op);
    client_bed_run_ms(bed, 0);
    assert_int_equal(o.status, i % 2 ? AIOBLE_ETIMEDOUT : AIOBLE_ECANCELED);
    client_bed_then(&read, aioble_client_char_read(chr));
    (void) snprintf(lines, sizeof lines, "%s< 0a 0300\n", cases[i / 2].late);
    client_bed_play(bed, lines);
    assert_int_equal(read.calls, 0);
    client_bed_play(bed, prepared ? "> 0b aa\n< 18 00\n> 19\n" : "> 0b aa\n");
    assert_int_equal(read.calls, 1);
    assert_int_equal(read.status, 0);
    assert_int_equal(read.value[0], 0xaa);
    assert_int_equal(o.calls, 1);
    aioble_client_char_unref(chr);
    client_bed_free(bed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handle_knows_what_was_found),
      cmocka_unit_test(handles_keep_their_parents_and_the_connection),
      cmocka_unit_test(nothing_comes_of_null),
      cmocka_unit_test(a_late_response_is_nobody_elses),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
