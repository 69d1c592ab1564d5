/* SPDX-License-Identifier: MIT */
/* Frames of a link: the basic header, and who gets what. */
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include "l2cap/l2cap.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
  ab_env *env;
  ab_bufs bufs;
  ab_l2cap_link link;
  unsigned sent, att, smp, done;
  int status;
  uint8_t last[64];
  size_t len;
  bool close;
} world;

static void keep(world *w, const uint8_t *data, size_t len) {
  assert_true(len <= sizeof w->last);
  memcpy(w->last, data, len);
  w->len = len;
}

static void on_send(void *ctx, ab_buf *frame) {
  world *w = ctx;

  w->sent++;
  keep(w, frame->p, frame->len);
  ab_buf_finish(frame, 0);
}

static void on_att(void *ctx, const uint8_t *payload, size_t len) {
  world *w = ctx;

  w->att++;
  keep(w, payload, len);
  if (w->close)
    ab_l2cap_close(&w->link, AIOBLE_ENOTCONN);
}

static void on_smp(void *ctx, const uint8_t *payload, size_t len) {
  world *w = ctx;

  w->smp++;
  keep(w, payload, len);
}

static const ab_l2cap_events events = {.send = on_send};

static void set_up(world *w) {
  memset(w, 0, sizeof *w);
  w->env = fake_env_new();
  ab_bufs_init(&w->bufs, w->env, 4);
  ab_l2cap_open(&w->link, w->env, &w->bufs, &events, w, true);
  ab_l2cap_fixed(&w->link, AB_L2CAP_CID_ATT, on_att, w);
  ab_l2cap_fixed(&w->link, AB_L2CAP_CID_SMP, on_smp, w);
}

static void tear_down(world *w) {
  ab_l2cap_close(&w->link, AIOBLE_ENOTCONN);
  ab_bufs_free(&w->bufs);
  fake_env_free(w->env);
}

static void gives(world *w, const char *hex) {
  uint8_t data[64], *exact;
  size_t len = hex_read(hex, data, sizeof data);

  exact = malloc(len ? len : 1);
  memcpy(exact, data, len);
  ab_l2cap_rx(&w->link, exact, len);
  free(exact);
}

static void on_done(ab_buf *buf, int status) {
  world *w = buf->ctx;

  w->done++;
  w->status = status;
}

static void sends(world *w, uint16_t cid, const char *hex) {
  ab_buf *buf = ab_buf_new(&w->bufs, 0);
  uint8_t data[64];
  size_t len = hex_read(hex, data, sizeof data);
  ab_wr wr = ab_buf_writer(buf);

  ab_wr_bytes(&wr, data, len);
  ab_buf_wrote(buf, &wr);
  buf->done = on_done;
  buf->ctx = w;
  ab_l2cap_send(&w->link, cid, buf);
}

static void a_frame_goes_to_its_channel(void **state) {
  world w;

  (void) state;
  set_up(&w);
  gives(&w, "02 00 04 00 aa bb");
  assert_int_equal(w.att, 1);
  assert_hex(w.last, w.len, "aa bb");
  gives(&w, "01 00 06 00 cc");
  assert_int_equal(w.smp, 1);
  assert_int_equal(w.att, 1);
  assert_hex(w.last, w.len, "cc");
  assert_int_equal(w.sent, 0);
  tear_down(&w);
}

static void a_frame_for_no_channel_is_counted(void **state) {
  static const char *const cids[] = {"01 00 00 00 aa", "01 00 01 00 aa", "01 00 03 00 aa",
                                     "01 00 07 00 aa", "01 00 40 00 aa", "01 00 ff ff aa",
                                     "00 00 00 00",    "00 00 40 00"};
  world w;

  (void) state;
  set_up(&w);
  for (size_t i = 0; i < sizeof cids / sizeof cids[0]; i++) {
    gives(&w, cids[i]);
    assert_int_equal(w.link.stats.unknown_cid, i + 1);
  }
  ab_l2cap_fixed(&w.link, AB_L2CAP_CID_ATT, NULL, NULL);
  gives(&w, "01 00 04 00 aa");
  assert_int_equal(w.link.stats.unknown_cid, 9);
  assert_int_equal(w.att + w.smp + w.sent, 0);
  tear_down(&w);
}

static void malformed_and_empty_frames_are_dropped(void **state) {
  static const char *const bad[] = {
      "",
      "02",
      "02 00 04",
      "02 00 04 00 aa",       /* shorter than it says */
      "02 00 04 00 aa bb cc", /* longer */
      "00 00 04 00",          /* empty, for each channel */
      "00 00 05 00",
      "00 00 06 00",
      "ff ff 04 00 aa",
  };
  world w;

  (void) state;
  set_up(&w);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    gives(&w, bad[i]);
    assert_int_equal(w.link.stats.malformed, i + 1);
  }
  assert_int_equal(w.att + w.smp + w.sent, 0);
  tear_down(&w);
}

static void a_payload_gets_the_basic_header(void **state) {
  world w;

  (void) state;
  set_up(&w);
  sends(&w, AB_L2CAP_CID_ATT, "0a 03 00");
  assert_int_equal(w.sent, 1);
  assert_hex(w.last, w.len, "03 00 04 00 0a 03 00");
  assert_int_equal(w.done, 1);
  assert_int_equal(w.status, 0);
  tear_down(&w);
}

static void a_closed_link_neither_sends_nor_takes(void **state) {
  world w;

  (void) state;
  set_up(&w);
  w.close = true;
  gives(&w, "01 00 04 00 aa");
  assert_int_equal(w.att, 1);
  gives(&w, "01 00 04 00 aa");
  assert_int_equal(w.att, 1);
  sends(&w, AB_L2CAP_CID_ATT, "0a 03 00");
  assert_int_equal(w.sent, 0);
  assert_int_equal(w.done, 1);
  assert_int_equal(w.status, AIOBLE_ENOTCONN);
  tear_down(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_frame_goes_to_its_channel),
      cmocka_unit_test(a_frame_for_no_channel_is_counted),
      cmocka_unit_test(malformed_and_empty_frames_are_dropped),
      cmocka_unit_test(a_payload_gets_the_basic_header),
      cmocka_unit_test(a_closed_link_neither_sends_nor_takes),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
