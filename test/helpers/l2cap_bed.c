/* SPDX-License-Identifier: MIT */
#include "helpers/l2cap_bed.h"

#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bed_chan *bed_of(ab_l2cap_chan *chan) {
  return ab_container_of(chan, bed_chan, chan);
}

static void on_open(ab_l2cap_chan *chan) {
  bed_of(chan)->opened++;
}

static bool on_sdu(ab_l2cap_chan *chan, const uint8_t *sdu, size_t len) {
  bed_chan *c = bed_of(chan);
  ab_rd r = ab_rd_of(sdu, len);

  assert_int_equal(c->opened, 1);
  assert_int_equal(c->ended, 0);
  if (!c->use)
    return false;
  c->sdus++;
  assert_true(len <= sizeof c->sdu);
  ab_rd_copy(&r, c->sdu, len);
  c->sdu_len = len;
  if (c->on_sdu)
    c->on_sdu(c);
  return true;
}

static void on_kept(ab_l2cap_chan *chan) {
  assert_int_equal(bed_of(chan)->ended, 0);
  bed_of(chan)->kept++;
}

static void on_end(ab_l2cap_chan *chan, int status) {
  bed_chan *c = bed_of(chan);

  assert_int_equal(c->ended, 0);
  c->ended++;
  c->status = status;
}

static void on_closed(ab_l2cap_chan *chan) {
  assert_int_equal(bed_of(chan)->ended, 1);
  bed_of(chan)->closed++;
}

static const ab_l2cap_chan_events events = {on_open, on_sdu, on_kept, on_end, on_closed};

/* ---- frames ---- */

static void on_send(void *ctx, ab_buf *frame) {
  l2cap_bed *bed = ctx;
  ab_rd r = ab_rd_of(frame->p, frame->len);
  uint16_t length = ab_rd_le16(&r), cid = ab_rd_le16(&r);
  ab_wr w;

  assert_true(ab_rd_ok(&r));
  assert_int_equal(ab_rd_left(&r), length);
  assert_true(cid < 0x80);
  ab_buf_consume(frame, 4);
  w = ab_buf_prepend(frame, 1);
  ab_wr_u8(&w, (uint8_t) cid);
  pdu_script_sent(&bed->script, frame);
}

static void receive(void *ctx, const uint8_t *pdu, size_t len) {
  uint8_t *frame = malloc(len + 3);
  ab_wr w = ab_wr_of(frame, len + 3);

  assert_true(len > 0);
  ab_wr_le16(&w, (uint16_t) (len - 1));
  ab_wr_le16(&w, *pdu);
  ab_wr_bytes(&w, pdu + 1, len - 1);
  ab_l2cap_rx(ctx, frame, len + 3);
  free(frame);
}

static bool on_param_request(void *ctx, const ab_l2cap_params *wish) {
  l2cap_bed *bed = ctx;

  bed->wishes++;
  return wish->latency == 0;
}

static const ab_l2cap_events link_events = {on_send, on_param_request};

/* ---- the listener ---- */

static uint16_t on_accept(ab_l2cap_listener *listener, ab_l2cap_link *link, ab_l2cap_chan **chans,
                          unsigned n) {
  l2cap_bed *bed = ab_container_of(listener, l2cap_bed, listener);

  assert_ptr_equal(link, &bed->link);
  bed->asked++;
  if (bed->on_accept)
    bed->on_accept(bed);
  for (unsigned i = 0; i < n && i < bed->makes && !bed->result; i++)
    chans[i] = &l2cap_bed_chan(bed)->chan;
  return bed->result;
}

/* ---- the bed ---- */

l2cap_bed *l2cap_bed_new(bool listening) {
  l2cap_bed *bed = calloc(1, sizeof *bed);

  assert_non_null(bed);
  bed->env = fake_env_new();
  ab_bufs_init(&bed->bufs, bed->env, 8);
  ab_list_init(&bed->listeners);
  bed->ours = (ab_l2cap_sizes){64, 23, 3};
  bed->makes = AB_L2CAP_BATCH;
  bed->listener.psm = 0x80;
  bed->listener.accept = on_accept;
  if (listening)
    assert_int_equal(ab_l2cap_listen(&bed->listeners, &bed->listener), 0);
  ab_l2cap_open(&bed->link, bed->env, &bed->bufs, &link_events, bed, true);
  ab_l2cap_serve(&bed->link, &bed->listeners, 27);
  pdu_script_init(&bed->script, receive, &bed->link);
  return bed;
}

void l2cap_bed_free(l2cap_bed *bed) {
  pdu_script_quiet(&bed->script);
  pdu_script_end(&bed->script, AIOBLE_ENOTCONN);
  ab_l2cap_close(&bed->link, AIOBLE_ENOTCONN);
  for (unsigned i = 0; i < bed->n; i++) {
    bed_chan *c = &bed->chans[i];

    if (c->chan.cid) { /* it was made, or asked for */
      assert_int_equal(c->ended, 1);
      assert_int_equal(c->closed, 1);
    }
    ab_l2cap_chan_clear(&c->chan);
  }
  ab_bufs_free(&bed->bufs);
  fake_env_free(bed->env);
  free(bed);
}

void l2cap_bed_play(l2cap_bed *bed, const char *lines) {
  pdu_script_play(&bed->script, lines);
}

bed_chan *l2cap_bed_chan(l2cap_bed *bed) {
  bed_chan *c = &bed->chans[bed->n++];

  assert_true(bed->n <= BED_CHANS);
  c->bed = bed;
  ab_l2cap_chan_init(&c->chan, &events, &bed->ours);
  return c;
}

bed_chan *l2cap_bed_open(l2cap_bed *bed, uint16_t mtu, uint16_t mps, uint16_t credits) {
  bed_chan *c = l2cap_bed_chan(bed);
  ab_l2cap_chan *one = &c->chan;
  char lines[256];

  assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, false, &one, 1), 0);
  (void) snprintf(lines, sizeof lines,
                  "< 05 14 ?? 0a 00 80 00 %02x 00 ?? ?? ?? ?? ?? ??\n"
                  "> 05 15 %02x 0a 00 %02x 00 %02x %02x %02x %02x %02x %02x 00 00\n",
                  one->cid, one->req.id, one->cid + 1, mtu & 0xff, mtu >> 8, mps & 0xff, mps >> 8,
                  credits & 0xff, credits >> 8);
  l2cap_bed_play(bed, lines);
  assert_int_equal(c->opened, 1);
  return c;
}

void l2cap_bed_open_enhanced(l2cap_bed *bed, bed_chan **chans, unsigned n) {
  ab_l2cap_chan *asked[AB_L2CAP_BATCH];
  char lines[512];
  int at;

  for (unsigned i = 0; i < n; i++) {
    chans[i] = l2cap_bed_chan(bed);
    asked[i] = &chans[i]->chan;
  }
  assert_int_equal(ab_l2cap_connect(&bed->link, 0x80, true, asked, n), 0);
  at = snprintf(lines, sizeof lines, "< 05 17 ?? ?? 00 80 00 ?? ?? ?? ?? ?? ??");
  for (unsigned i = 0; i < n; i++)
    at += snprintf(lines + at, sizeof lines - (size_t) at, " %02x 00", asked[i]->cid);
  at += snprintf(lines + at, sizeof lines - (size_t) at,
                 "\n> 05 18 %02x %02x 00 64 00 40 00 02 00 00 00", asked[0]->req.id, 8 + 2 * n);
  for (unsigned i = 0; i < n; i++)
    at += snprintf(lines + at, sizeof lines - (size_t) at, " %02x 00", asked[i]->cid + 0x10);
  (void) snprintf(lines + at, sizeof lines - (size_t) at, "\n");
  l2cap_bed_play(bed, lines);
  for (unsigned i = 0; i < n; i++)
    assert_int_equal(chans[i]->opened, 1);
}

void bed_chan_expect(const bed_chan *c, int status, bool closed) {
  assert_int_equal(c->ended, 1);
  assert_int_equal(c->status, status);
  assert_int_equal(c->closed, closed);
}

void bed_chan_got(const bed_chan *c, unsigned sdus, const char *hex) {
  assert_int_equal(c->sdus, sdus);
  assert_hex(c->sdu, c->sdu_len, hex);
}
