/* SPDX-License-Identifier: MIT */
#include "api/api_server.h"
#include "helpers/fake_env.h"
#include "helpers/server_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state) {
  *state = server_bed_new();
  return 0;
}

static int tear_down(void **state) {
  server_bed_free(*state);
  return 0;
}

#define WRITABLE (AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP)

/* who answers later: the handle of each access is kept */
typedef struct late {
  aioble_answer_t *answers[4];
  unsigned asked, authorized;
  uint16_t offset;
  int inside;  /* what the hook answers itself; -1: nothing */
  int instead; /* what the hook returns in the end */
} late;

static int later(aioble_access_t *access, void *user) {
  late *l = user;
  aioble_answer_t *answer = aioble_access_later(access);

  l->answers[l->asked++ % 4] = answer;
  l->offset = access->offset;
  if (l->inside >= 0)
    assert_int_equal(aioble_answer(answer, l->inside, "inside", 6), 0);
  return l->instead;
}

static bool authorize(const aioble_access_t *access, bool write, void *user) {
  late *l = user;

  (void) access, (void) write;
  l->authorized++;
  return true;
}

static void answering_later(server_bed *bed, late *l) {
  *l = (late){.inside = -1, .instead = AIOBLE_ANSWER_LATER};
  server_bed_char(bed, WRITABLE | AIOBLE_NOTIFY,
                  &(aioble_char_options_t){.initial = TEXT("old"),
                                           .on_authorize = authorize,
                                           .on_read = later,
                                           .on_write = later,
                                           .user = l});
}

static void a_read_is_answered_at_any_time(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 0a +02\n");
  server_bed_run_ms(bed, 25000);
  server_bed_play(bed, "");
  assert_int_equal(aioble_answer(l.answers[0], 0, "new", 3), 0);
  server_bed_play(bed, "< 0b 6e 65 77\n"
                       "> 0a +02\n");
  assert_int_equal(aioble_answer(l.answers[1], 0, NULL, 0), 0);
  server_bed_play(bed, "< 0b 6f 6c 64\n"
                       "> 0c +02 01 00\n");
  assert_int_equal(l.offset, 1);
  assert_int_equal(aioble_answer(l.answers[2], 0, "abc", 3), 0);
  server_bed_play(bed, "< 0d 62 63\n"
                       "> 0a +02\n");
  assert_int_equal(aioble_answer(l.answers[3], 0x80, "abc", 3), 0);
  server_bed_play(bed, "< 01 0a +02 80\n");
  assert_bytes(aioble_char_read(bed->chr), "6f 6c 64");
  assert_int_equal(l.asked, 4);
  assert_int_equal(l.authorized, 4);
}

static void a_write_is_stored_once_it_is_answered(void **state) {
  server_bed *bed = *state;
  aioble_op_t *op;
  late l;

  answering_later(bed, &l);
  op = aioble_char_written(bed->chr);
  server_bed_play(bed, "> 12 +02 41\n");
  server_bed_play_as(bed, 1, "> 12 +02 42\n");
  assert_bytes(aioble_char_read(bed->chr), "6f 6c 64");
  assert_int_equal(aioble_answer(l.answers[1], 0, NULL, 0), 0);
  server_bed_play_as(bed, 1, "< 13\n");
  server_bed_play(bed, "");
  assert_bytes(aioble_char_read(bed->chr), "42");
  assert_ptr_equal(aioble_op_conn(op), bed->clients[1].conn);
  assert_int_equal(aioble_answer(l.answers[0], 0x13, NULL, 0), 0);
  server_bed_play(bed, "< 01 12 +02 13\n");
  assert_bytes(aioble_char_read(bed->chr), "42");
  assert_int_equal(l.authorized, 2);
  aioble_op_unref(op);
}

static void the_hook_itself_may_answer(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  l.inside = 0;
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 69 6e 73 69 64 65\n"
                       "> 12 +02 41\n"
                       "< 13\n");
  l.inside = 0x81;
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 81\n");
}

static void what_the_hook_returns_is_above_its_late_answer(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  l.instead = 0;
  server_bed_play(bed, "> 0a +02\n"
                       "< 0b 6f 6c 64\n");
  assert_int_equal(aioble_answer(l.answers[0], 0x80, NULL, 0), AIOBLE_ENOTCONN);
  server_bed_play(bed, "");
}

static int forget(aioble_access_t *access, void *user) {
  (void) access, (void) user;
  return AIOBLE_ANSWER_LATER;
}

static void later_without_an_answer_is_unlikely(void **state) {
  server_bed *bed = *state;

  server_bed_char(bed, WRITABLE, &(aioble_char_options_t){.on_read = forget, .on_write = forget});
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 0e\n"
                       "> 12 +02 41\n"
                       "< 01 12 +02 0e\n"
                       "> 52 +02 41\n");
  assert_int_equal(aioble_char_read(bed->chr).len, 0);
}

static void a_command_cannot_be_answered_later(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 52 +02 41\n");
  assert_int_equal(l.asked, 1);
  assert_null(l.answers[0]);
  assert_bytes(aioble_char_read(bed->chr), "6f 6c 64");
}

static void an_answer_that_cannot_be_is_unlikely(void **state) {
  static const struct {
    int code;
    size_t len;
  } bad[] = {{-1, 0}, {0x100, 0}, {AIOBLE_ERR_ATT(0x80), 0}, {0, 513}};
  uint8_t octets[513] = {0};
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    server_bed_play(bed, "> 0a +02\n");
    assert_int_equal(aioble_answer(l.answers[i], bad[i].code, octets, bad[i].len), AIOBLE_EINVAL);
    server_bed_play(bed, "< 01 0a +02 0e\n");
  }
  assert_int_equal(aioble_answer(NULL, 0, NULL, 0), AIOBLE_EINVAL);
  assert_null(aioble_access_later(NULL));
}

static void an_answer_may_come_when_its_client_has_gone(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 12 +02 41\n");
  server_bed_play_as(bed, 1, "> 0a +02\n");
  server_bed_disconnect(bed, 0);
  assert_int_equal(aioble_answer(l.answers[0], 0, NULL, 0), AIOBLE_ENOTCONN);
  assert_bytes(aioble_char_read(bed->chr), "6f 6c 64");
  server_bed_play_as(bed, 1, "");
  server_bed_disconnect(bed, 1);
  ab_server_stop(bed->ble, AIOBLE_ECANCELED);
  assert_int_equal(aioble_answer(l.answers[1], 0, NULL, 0), AIOBLE_ENOTCONN);
}

static void an_answer_may_come_when_its_service_has_gone(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 0a +02\n");
  assert_int_equal(aioble_register_services(bed->ble, NULL, 0), 0);
  server_bed_play(bed, "");
  assert_int_equal(aioble_answer(l.answers[0], 0, NULL, 0), 0);
  server_bed_play(bed, "< 0b 6f 6c 64\n"
                       "> 0a +02\n"
                       "< 01 0a +02 01\n");
}

static void an_answer_keeps_the_stack(void **state) {
  server_bed *bed = *state;
  uint32_t refs = bed->ble->refs;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 0a +02\n");
  assert_int_equal(bed->ble->refs, refs + 1);
  server_bed_disconnect(bed, 0);
  assert_int_equal(bed->ble->refs, refs + 1);
  assert_int_equal(aioble_answer(l.answers[0], 0, NULL, 0), AIOBLE_ENOTCONN);
  assert_int_equal(bed->ble->refs, refs);
}

static void notifications_go_on_meanwhile(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 0a +02\n");
  assert_int_equal(aioble_char_try_notify(bed->chr, bed->conn, "n", 1), 0);
  server_bed_play(bed, "< 1b +02 6e\n");
  assert_int_equal(aioble_answer(l.answers[0], 0, "x", 1), 0);
  server_bed_play(bed, "< 0b 78\n");
}

static void without_memory_there_is_no_answer(void **state) {
  server_bed *bed = *state;
  late l;

  answering_later(bed, &l);
  server_bed_play(bed, "> 0a +02\n");
  assert_int_equal(aioble_answer(l.answers[0], 0, NULL, 0), 0);
  server_bed_play(bed, "< 0b 6f 6c 64\n");
  fake_env_fail_at(bed->base->memory, 1); /* the buffers are there */
  server_bed_play(bed, "> 0a +02\n"
                       "< 01 0a +02 0e\n");
  assert_null(l.answers[1]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(a_read_is_answered_at_any_time),
      TEST(a_write_is_stored_once_it_is_answered),
      TEST(the_hook_itself_may_answer),
      TEST(what_the_hook_returns_is_above_its_late_answer),
      TEST(later_without_an_answer_is_unlikely),
      TEST(a_command_cannot_be_answered_later),
      TEST(an_answer_that_cannot_be_is_unlikely),
      TEST(an_answer_may_come_when_its_client_has_gone),
      TEST(an_answer_may_come_when_its_service_has_gone),
      TEST(an_answer_keeps_the_stack),
      TEST(notifications_go_on_meanwhile),
      TEST(without_memory_there_is_no_answer),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
