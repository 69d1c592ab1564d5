/* SPDX-License-Identifier: MIT */
/*
 * A client and a server that do as they like: cases 18 to 29. Case numbers are those of
 * SECURITY.md's list. In each the neighbour is served afterwards, and nothing is left.
 */
#include "helpers/hostile_bed.h"
#include "helpers/pdu_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PDU_TEXT = 2048 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the victim is the server ---- */

static void case_18_every_opcode_alone(void **state) {
  hostile_bed b;
  char text[16];

  (void) state;
  hostile_open(&b, true);
  for (unsigned opcode = 0; opcode <= UINT8_MAX; opcode++) {
    (void) snprintf(text, sizeof text, "%02x", opcode);
    hostile_mumbles(&b, CID_ATT, text);
    hostile_alive(&b);
  }
  hostile_asks(&b, CID_ATT, "3f 01 02", "01 3f 00 00 06"); /* a request nobody knows */
  hostile_says(&b, CID_ATT, "7f 01 02");                   /* a command nobody knows */
  hostile_hears_nothing(&b, CID_ATT);
  hostile_close(&b);
}

static void case_18_every_length(void **state) {
  static const char *const pdus[] = {
      "02 17 00",
      "04 10 00 17 00",
      "06 01 00 ff ff 00 28 e0 ff",
      "08 01 00 ff ff 03 28",
      "08 01 00 ff ff 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f",
      "0a 12 00",
      "0c 12 00 01 00",
      "0e 12 00 12 00",
      "10 01 00 ff ff 00 28",
      "12 13 00 01 00",
      "16 12 00 00 00 66 69 6e 65",
      "18 00",
      "20 12 00 12 00",
      "1e",
      "52 13 00 00 00",
      "d2 12 00 66 69 6e 65 01 02 03 04 05 06 07 08 09 0a 0b 0c",
  };
  hostile_bed b;
  char text[PDU_TEXT];

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(pdus); i++) {
    for (size_t cut = 0; cut <= strlen(pdus[i]); cut += 3) {
      (void) snprintf(text, sizeof text, "%.*s", (int) cut, pdus[i]);
      hostile_mumbles(&b, CID_ATT, text);
    }
    hostile_mumbles(&b, CID_ATT, pdus[i]);
    (void) snprintf(text, sizeof text, "%s 00", pdus[i]);
    hostile_mumbles(&b, CID_ATT, text);
    hostile_mumbles(&b, CID_ATT, "18 00"); /* nothing stays prepared */
    hostile_alive(&b);
  }
  hostile_asks(&b, CID_ATT, "0a 12", "01 0a 00 00 04");
  hostile_asks(&b, CID_ATT, "0a 12 00 00", "01 0a 00 00 04");
  hostile_close(&b);
}

static void case_19_mtus_that_cannot_be(void **state) {
  static const char *const requests[] = {"02 00 00", "02 16 00", "02 ff ff", "02 05 00",
                                         "02 72 00"};
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  hostile_asks(&b, CID_ATT, requests[0], "03 05 02");
  assert_int_equal(aioble_conn_mtu(b.conn), 23); /* never less (Part F, 3.4.2.2) */
  for (size_t i = 1; i < COUNT(requests); i++)
    hostile_mumbles(&b, CID_ATT, requests[i]);
  assert_true(aioble_conn_mtu(b.conn) >= 23 && aioble_conn_mtu(b.conn) <= 517);
  hostile_alive(&b);
  hostile_says(&b, CID_ATT, "0a 17 00"); /* while another request is being answered */
  hostile_mumbles(&b, CID_ATT, "02 40 00");
  assert_int_equal(aioble_answer(b.answer, 0, "x", 1), 0);
  b.answer = NULL;
  sim_run_ms(&b.s, 10);
  vr_host_forget(&b.host);
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_20_requests_without_waiting(void **state) {
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  hostile_says(&b, CID_ATT, "0a 17 00"); /* waits for the hook */
  for (unsigned i = 0; i < 50; i++)
    hostile_asks(&b, CID_ATT, i % 2 ? "0a 12 00" : "0a 17 00", "01 0a 00 00 11");
  hostile_says(&b, CID_ATT, "52 12 00 66 69 6e 65"); /* commands are nobody's turn */
  assert_int_equal(aioble_answer(b.answer, 0, "x", 1), 0);
  b.answer = NULL;
  hostile_hears(&b, CID_ATT, "0b 78");
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_23_prepared_writes(void **state) {
  hostile_bed b;
  uint64_t refused;

  (void) state;
  hostile_open(&b, true);
  /* behind the end: said when they are executed, and then nothing is left */
  hostile_asks(&b, CID_ATT, "16 12 00 01 02 41", "17 12 00 01 02 41");
  hostile_asks(&b, CID_ATT, "18 01", "01 18 12 00 07");
  hostile_asks(&b, CID_ATT, "18 01", "19");
  hostile_alive(&b);
  /* a gap */
  hostile_asks(&b, CID_ATT, "16 12 00 00 00 41", "17 12 00 00 00 41");
  hostile_asks(&b, CID_ATT, "16 12 00 09 00 42", "17 12 00 09 00 42");
  hostile_asks(&b, CID_ATT, "18 01", "01 18 12 00 07");
  hostile_alive(&b);
  /* longer than the value may be, in sum */
  hostile_asks(&b, CID_ATT, "16 12 00 00 00 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52",
               "17 12 00 00 00 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52");
  hostile_asks(&b, CID_ATT, "16 12 00 12 00 53 54 55", "17 12 00 12 00 53 54 55");
  hostile_asks(&b, CID_ATT, "18 01", "01 18 12 00 0d");
  hostile_alive(&b);
  /* neither to be cancelled nor executed, but something else */
  hostile_asks(&b, CID_ATT, "16 12 00 00 00 41", "17 12 00 00 00 41");
  hostile_mumbles(&b, CID_ATT, "18 02");
  hostile_mumbles(&b, CID_ATT, "18 00");
  hostile_alive(&b);
  /* what may not be written, in between */
  hostile_asks(&b, CID_ATT, "16 12 00 00 00 41", "17 12 00 00 00 41");
  hostile_asks(&b, CID_ATT, "16 15 00 00 00 41", "01 16 15 00 05");
  hostile_asks(&b, CID_ATT, "16 ff ff 00 00 41", "01 16 ff ff 01");
  hostile_asks(&b, CID_ATT, "18 00", "19");
  hostile_alive(&b);
  /* without end */
  for (unsigned i = 0; i < 300; i++) {
    hostile_says(&b, CID_ATT, "16 12 00 00 00 41*18");
    sim_run_ms(&b.s, 1);
    vr_host_forget(&b.host);
  }
  refused = hostile_stats(&b).att_refused;
  hostile_asks(&b, CID_ATT, "16 12 00 00 00 41", "01 16 12 00 09");
  assert_int_equal(hostile_stats(&b).att_refused, refused + 1);
  hostile_asks(&b, CID_ATT, "18 00", "19");
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_24_reads_of_many(void **state) {
  static const char *const reads[][2] = {
      {"0e 12 00 12", "01 0e 00 00 04"},    /* half a handle */
      {"0e 12 00", "01 0e 00 00 04"},       /* a single one */
      {"0e 12 00 15 00", "01 0e 15 00 05"}, /* the second is secret */
      {"0e 12 00 ff ff", "01 0e ff ff 01"}, /* … or not there, */
      {"0e 12 00 12 00 12 00 12 00 12 00 12 00 ff ff",
       "01 0e ff ff 01"}, /* behind a full MTU, too */
      {"0e 12 00 00 00", "01 0e 00 00 01"},
      {"20 12 00 12", "01 20 00 00 04"},
      {"20 12 00 15 00", "01 20 15 00 05"},
      {"20 12 00 12 00 12 00 12 00 12 00 12 00 ff ff", "01 20 ff ff 01"},
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(reads); i++)
    hostile_asks(&b, CID_ATT, reads[i][0], reads[i][1]);
  hostile_close(&b);
}

static void case_25_writes_and_reads_past_the_end(void **state) {
  static const char *const requests[][2] = {
      {"12 13 00 01 00 00", "01 12 13 00 0d"}, /* three octets for a descriptor of two */
      {"12 13 00", "01 12 13 00 0d"},
      {"12 12 00 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41 41", "01 12 12 00 0d"},
      {"0c 12 00 05 00", "01 0c 12 00 07"},
      {"0c 12 00 ff ff", "01 0c 12 00 07"},
      {"0c 12 00 04 00", "0d"},
      {"12 11 00 00", "01 12 11 00 03"}, /* a declaration */
      {"12 ff ff 00", "01 12 ff ff 01"},
      {"12 00 00 00", "01 12 00 00 01"},
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(requests); i++)
    hostile_asks(&b, CID_ATT, requests[i][0], requests[i][1]);
  for (unsigned handle = 1; handle < HOSTILE_SERVICE;
       handle++) { /* the stack's own values, 300 octets */
    char text[PDU_TEXT];

    (void) snprintf(text, sizeof text, "12 %02x 00 ff*300", handle);
    hostile_mumbles(&b, CID_ATT, text);
    (void) snprintf(text, sizeof text, "12 %02x 00 ff*9", handle);
    hostile_mumbles(&b, CID_ATT, text);
  }
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_26_what_needs_encryption_is_not_had_without(void **state) {
  static const char *const requests[][2] = {
      {"0a 15 00", "01 0a 15 00 05"},
      {"0c 15 00 01 00", "01 0c 15 00 05"},
      {"0e 15 00 15 00", "01 0e 15 00 05"},
      {"20 15 00 15 00", "01 20 15 00 05"},
      {"08 01 00 ff ff e2 ff", "01 08 15 00 05"}, /* by its type */
      {"12 15 00 41", "01 12 15 00 05"},
      {"16 15 00 00 00 41", "01 16 15 00 05"},
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(requests); i++)
    hostile_asks(&b, CID_ATT, requests[i][0], requests[i][1]);
  hostile_says(&b, CID_ATT, "52 15 00 41");
  hostile_says(&b, CID_ATT, "06 01 00 ff ff e2 ff 66 69 6e 65"); /* by its value */
  hostile_hears(&b, CID_ATT, "01 06 01 00 0a");
  assert_int_equal(aioble_char_read(b.secret).len, 4);
  assert_memory_equal(aioble_char_read(b.secret).data, "fine", 4);
  hostile_close(&b);
}

static void case_27_what_nobody_waits_for(void **state) {
  static const char *const pdus[] = {
      "01 0a 12 00 0a",
      "03 17 00",
      "05 01 12 00 e1 ff",
      "07 10 00 17 00",
      "09 04 12 00 66 69",
      "0b 66",
      "0d 66",
      "0f 66",
      "11 06 10 00 17 00 e0 ff",
      "13",
      "17 12 00 00 00 66",
      "19",
      "1e",
      "21 01 00 66",
      "1b ff ff 66 69 6e 65",
      "1b 00 00",
      "23 ff ff 04 00 66 69 6e 65",
      "23 ff ff 09 00 66",
  };
  hostile_bed b;

  (void) state;
  hostile_open(&b, true);
  for (size_t i = 0; i < COUNT(pdus); i++) {
    hostile_says(&b, CID_ATT, pdus[i]);
    hostile_hears_nothing(&b, CID_ATT);
  }
  hostile_asks(&b, CID_ATT, "1d ff ff 66 69 6e 65", "1e"); /* an indication has its answer */
  hostile_alive(&b);
  hostile_close(&b);
}

static void case_28_a_client_that_goes_in_the_middle(void **state) {
  hostile_bed b;
  aioble_op_t *indicate;

  (void) state;
  hostile_open(&b, true);
  hostile_says(&b, CID_ATT, "0a 17 00");
  hostile_leaves(&b);
  assert_int_equal(aioble_answer(b.answer, 0, "x", 1), AIOBLE_ENOTCONN);
  b.answer = NULL;
  hostile_connect(&b);
  hostile_says(&b, CID_ATT, "12 17 00 41");
  hostile_leaves(&b);
  assert_int_equal(aioble_answer(b.answer, 0, NULL, 0), AIOBLE_ENOTCONN);
  b.answer = NULL;
  hostile_connect(&b);
  hostile_asks(&b, CID_ATT, "12 13 00 02 00", "13");
  indicate = aioble_char_indicate(b.value, b.conn, "x", 1);
  hostile_hears(&b, CID_ATT, "1d 12 00 78");
  hostile_leaves(&b);
  sim_expect(indicate, AIOBLE_ENOTCONN);
  hostile_connect(&b);
  hostile_asks(&b, CID_ATT, "12 13 00 01 00", "13");
  for (unsigned i = 0; i < 50; i++)
    aioble_op_unref(aioble_char_notify(b.value, b.conn, "x", 1));
  hostile_leaves(&b);
  hostile_connect(&b);
  hostile_close(&b);
}

static void throw_out(hostile_bed *b) {
  aioble_op_unref(aioble_conn_disconnect(b->conn));
}

static void remove_service(hostile_bed *b) {
  (void) aioble_service_remove(b->service);
}

static void case_29_hooks_that_tear_down(void **state) {
  void (*const acts[])(hostile_bed * b) = {throw_out, remove_service};
  static const char *const requests[] = {"0a 17 00", "12 17 00 41", "0e 12 00 17 00"};
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(acts); i++)
    for (size_t k = 0; k < COUNT(requests); k++) {
      hostile_open(&b, true);
      b.act = acts[i];
      hostile_says(&b, CID_ATT, requests[k]);
      sim_run_ms(&b.s, 100);
      if (acts[i] == remove_service)
        assert_int_equal(aioble_service_add(b.service), 0);
      hostile_close(&b);
    }
}

/* ---- the victim is the client ---- */

static aioble_op_t *first_service(hostile_bed *b) {
  aioble_discovery_t *all = aioble_conn_services(b->conn, NULL);
  aioble_op_t *next = aioble_discovery_next(all);

  aioble_discovery_unref(all);
  return next;
}

/* all of them; the status of the last */
static int walk_services(hostile_bed *b, const hostile_reply *replies, size_t n) {
  aioble_discovery_t *all = aioble_conn_services(b->conn, NULL);
  unsigned asked = 0;
  int status = 0;

  while (status == 0) {
    aioble_op_t *next = aioble_discovery_next(all);

    asked += hostile_serves(b, next, replies, n);
    assert_true(asked < 100);
    status = aioble_op_status(next);
    aioble_op_unref(next);
  }
  aioble_discovery_unref(all);
  return status;
}

static void case_21_answers_that_lead_in_circles(void **state) {
  static const char *const answers[] = {
      "11 06 00 00 05 00 00 18",                   /* handle 0 */
      "11 06 05 00 01 00 00 18",                   /* ends before it starts */
      "11 06 01 00 05 00 00 18 01 00 05 00 01 18", /* … the same again */
      "11 06 05 00 09 00 00 18 01 00 03 00 01 18", /* backwards */
      "11 06 01 00 05 00 00 18 03 00 07 00 01 18", /* overlapping */
      "11 06 01 00 05 00 00 18",                   /* the first, whatever is asked for */
  };
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(answers); i++) {
    const hostile_reply replies[] = {{0x10, answers[i]}};

    hostile_open(&b, false);
    assert_int_equal(walk_services(&b, replies, 1), AIOBLE_EPROTO);
    assert_true(aioble_conn_is_connected(b.conn));
    hostile_close(&b);
  }
  hostile_open(&b, false); /* up to the last handle there is, and no further */
  assert_int_equal(walk_services(&b, &(hostile_reply){0x10, "11 06 01 00 ff ff 00 18"}, 1),
                   AIOBLE_EOF);
  hostile_close(&b);
}

static void case_21_values_without_end(void **state) {
  /* a value of which there is always more */
  static const hostile_reply replies[] = {
      {0x10, "11 06 01 00 ff ff 00 18"},
      {0x06, "07 01 00 ff ff"},
      {0x08, "09 07 02 00 02 03 00 00 2a"},
      {0x0a, "0b 41*22"},
      {0x0c, "0d 41*22"},
  };
  hostile_bed b;
  aioble_op_t *service, *chr, *read;

  (void) state;
  hostile_open(&b, false);
  service = aioble_conn_service(b.conn, aioble_uuid16(0x1800));
  (void) hostile_serves(&b, service, replies, COUNT(replies));
  assert_int_equal(aioble_op_status(service), 0);
  chr = aioble_client_service_char(aioble_op_service(service), aioble_uuid16(0x2a00));
  (void) hostile_serves(&b, chr, replies, COUNT(replies));
  assert_int_equal(aioble_op_status(chr), 0);
  read = aioble_client_char_read(aioble_op_char(chr));
  assert_true(hostile_serves(&b, read, replies, COUNT(replies)) <= 512 / 22 + 2);
  sim_expect(read, AIOBLE_EPROTO);
  aioble_op_unref(chr);
  aioble_op_unref(service);
  hostile_close(&b);
}

static void case_22_lists_whose_entries_do_not_fit(void **state) {
  static const char *const lists[] = {
      "11 00",
      "11 00 01 00 05 00 00 18",
      "11 01 01 00 05 00 00 18",
      "11 05 01 00 05 00 18",       /* half a UUID */
      "11 06 01 00 05 00 00",       /* half an entry */
      "11 06 01 00 05 00 00 18 06", /* one and a bit */
      "11 14 01 00 05 00 00 18",    /* 128 bits are said */
      "11 ff 01 00 05 00 00 18",
      "11 06",
      "11",
  };
  hostile_bed b;
  aioble_op_t *op;

  (void) state;
  for (size_t i = 0; i < COUNT(lists); i++) {
    hostile_open(&b, false);
    op = first_service(&b);
    assert_int_equal(hostile_serves(&b, op, &(hostile_reply){0x10, lists[i]}, 1), 1);
    sim_expect(op, AIOBLE_EPROTO);
    hostile_close(&b);
  }
}

static void case_22_descriptors_and_characteristics_whose_entries_do_not_fit(void **state) {
  static const char *const lists[] = {
      "09 00",
      "09 01 02",
      "09 06 02 00 02 03 00 00",
      "09 08 02 00 02 03 00 00 2a 2a",
      "09 07 02 00 02 03 00 00",
      "09 07 02 00 02 00 00 00 2a", /* its value is handle 0 */
      "09 07 02 00 02 02 00 00 2a", /* … or itself */
      "09 07 00 00 02 03 00 00 2a",
      "09 07 05 00 02 06 00 00 2a 02 00 02 03 00 01 2a",
  };
  const hostile_reply service = {0x06, "07 01 00 20 00"};
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(lists); i++) {
    aioble_op_t *found, *chr;

    hostile_open(&b, false);
    found = aioble_conn_service(b.conn, aioble_uuid16(0x1800));
    (void) hostile_serves(&b, found, &service, 1);
    chr = aioble_client_service_char(aioble_op_service(found), aioble_uuid16(0x2a77));
    (void) hostile_serves(&b, chr, &(hostile_reply){0x08, lists[i]}, 1);
    sim_expect(chr, AIOBLE_EPROTO);
    aioble_op_unref(found);
    hostile_close(&b);
  }
}

/* the peer's table changes while it is being discovered, and nonsense is said about where */
static void case_29_service_changed_during_discovery(void **state) {
  static const char *const ranges[] = {
      "1d 03 00 00 00 00 00",
      "1d 03 00 05 00 01 00",
      "1d 03 00 ff ff 00 00",
      "1d 03 00 01",
      "1d 03 00",
      "1d 03 00 01 00 ff ff 00",
      "1d 03",
      "1d",
  };
  const hostile_reply end = {0x10, "01 10 01 00 0a"};
  hostile_bed b;

  (void) state;
  for (size_t i = 0; i < COUNT(ranges); i++) {
    aioble_op_t *op;

    hostile_open(&b, false);
    op = first_service(&b);
    sim_run_ms(&b.s, 10);
    hostile_says(&b, CID_ATT, ranges[i]);
    (void) hostile_serves(&b, op, (const hostile_reply[]){end, {0x1e, NULL}}, 2);
    sim_expect(op, AIOBLE_EOF);
    hostile_close(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(case_18_every_opcode_alone),
      cmocka_unit_test(case_18_every_length),
      cmocka_unit_test(case_19_mtus_that_cannot_be),
      cmocka_unit_test(case_20_requests_without_waiting),
      cmocka_unit_test(case_21_answers_that_lead_in_circles),
      cmocka_unit_test(case_21_values_without_end),
      cmocka_unit_test(case_22_lists_whose_entries_do_not_fit),
      cmocka_unit_test(case_22_descriptors_and_characteristics_whose_entries_do_not_fit),
      cmocka_unit_test(case_23_prepared_writes),
      cmocka_unit_test(case_24_reads_of_many),
      cmocka_unit_test(case_25_writes_and_reads_past_the_end),
      cmocka_unit_test(case_26_what_needs_encryption_is_not_had_without),
      cmocka_unit_test(case_27_what_nobody_waits_for),
      cmocka_unit_test(case_28_a_client_that_goes_in_the_middle),
      cmocka_unit_test(case_29_hooks_that_tear_down),
      cmocka_unit_test(case_29_service_changed_during_discovery),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
