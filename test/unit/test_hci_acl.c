/* SPDX-License-Identifier: MIT */
/* ACL data on its way out: fragments, credits, fairness, links that go away. */
#include "helpers/fake_controller.h"
#include "helpers/fake_env.h"
#include "helpers/hex.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a controller with `count` buffers of 4 octets, and links that count what they sent ---- */

typedef struct peer {
  ab_hci_link link;
  fake_controller *c;
  unsigned done;
  int status;
  void (*on_done)(struct peer *me); /* once */
  bool inside;                      /* … and it is running */
} peer;

static fake_controller *controller(unsigned count) {
  fake_controller *c = fake_controller_new();
  char sizes[16];

  (void) snprintf(sizes, sizeof sizes, "00 04 00 %02x", count);
  fake_controller_reply(c, AB_HCI_LE_READ_BUFFER_SIZE, sizes);
  fake_controller_ready(c);
  return c;
}

static void on_frame(ab_hci_link *link, const uint8_t *frame, size_t len) {
  (void) link;
  (void) frame;
  (void) len;
  fail();
}

static peer *link_up(fake_controller *c, uint16_t handle) {
  peer *me = calloc(1, sizeof *me);

  assert_non_null(me);
  me->c = c;
  assert_int_equal(ab_hci_link_open(c->hci, &me->link, handle, on_frame), 0);
  return me;
}

static void down(peer *me) {
  ab_hci_link_close(me->c->hci, &me->link, AIOBLE_ENOTCONN);
  free(me);
}

static void on_done(ab_buf *buf, int status) {
  peer *me = buf->ctx;
  void (*then)(peer *) = me->on_done;

  me->done++;
  me->status = status;
  me->on_done = NULL;
  if (then)
    then(me);
}

static void send(peer *me, const char *hex) {
  uint8_t data[600];
  size_t len = hex_read(hex, data, sizeof data);
  ab_buf *buf = ab_buf_new(&me->c->bufs, len);
  ab_wr w;

  assert_non_null(buf);
  w = ab_buf_writer(buf);
  ab_wr_bytes(&w, data, len);
  ab_buf_wrote(buf, &w);
  buf->done = on_done;
  buf->ctx = me;
  ab_hci_link_send(me->c->hci, &me->link, buf);
}

static const ab_hci_stats *stats(const fake_controller *c) {
  return ab_hci_stats_of(c->hci);
}

/* ---- out ---- */

static void a_short_pdu_is_one_packet(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  send(a, "00 00 04 00");
  fake_controller_got(c, "02 40 00 04 00 00 00 04 00");
  fake_controller_got_nothing(c);
  assert_int_equal(a->done, 1);
  assert_int_equal(a->status, 0);
  assert_int_equal(a->link.in_flight, 1);
  down(a);
  fake_controller_free(c);
}

static void a_long_pdu_goes_in_fragments(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  send(a, "05 00 04 00 a1 a2 a3 a4 a5");
  fake_controller_got(c, "02 40 00 04 00 05 00 04 00");
  fake_controller_got(c, "02 40 10 04 00 a1 a2 a3 a4");
  fake_controller_got(c, "02 40 10 01 00 a5");
  fake_controller_got_nothing(c);
  assert_int_equal(a->done, 1);
  assert_int_equal(stats(c)->acl_out, 3);
  down(a);
  fake_controller_free(c);
}

static void keep(ab_buf *buf, int status) {
  assert_int_equal(status, 0);
  buf->kept = true;
}

/* headers were written on the ends of its fragments */
static void what_was_sent_in_fragments_is_as_it_was(void **state) {
  static const uint8_t whole[] = {9, 0, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);
  ab_buf *buf = ab_buf_copy(&c->bufs, whole, sizeof whole);

  (void) state;
  buf->done = keep;
  ab_hci_link_send(c->hci, &a->link, buf);
  assert_int_equal(fake_controller_pending(c), 4);
  fake_controller_forget(c);
  ab_buf_rewind(buf, sizeof whole);
  assert_memory_equal(buf->p, whole, sizeof whole);
  ab_buf_free(buf);
  down(a);
  fake_controller_free(c);
}

static void fragments_wait_for_the_controllers_buffers(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 0x40);

  (void) state;
  send(a, "05 00 04 00 a1 a2 a3 a4 a5");
  send(a, "00 00 06 00");
  assert_int_equal(fake_controller_pending(c), 2);
  assert_int_equal(a->done, 0); /* the controller does not have it all */
  assert_int_equal(a->link.tx_queued, 5);
  fake_controller_forget(c);
  fake_controller_gives(c, "04 13 05 01 40 00 01 00");
  fake_controller_got(c, "02 40 10 01 00 a5");
  assert_int_equal(a->done, 1);
  fake_controller_got_nothing(c);
  fake_controller_gives(c, "04 13 05 01 40 00 02 00");
  fake_controller_got(c, "02 40 00 04 00 00 00 06 00");
  assert_int_equal(a->done, 2);
  assert_int_equal(a->link.tx_queued, 0);
  fake_controller_gives(c, "04 13 05 01 40 00 01 00");
  assert_int_equal(a->link.in_flight, 0);
  fake_controller_got_nothing(c);
  down(a);
  fake_controller_free(c);
}

static void links_take_turns(void **state) {
  fake_controller *c = controller(4);
  peer *a = link_up(c, 1), *b = link_up(c, 2);

  (void) state;
  c->room = 0;
  send(a, "04 00 04 00 a1 a2 a3 a4");
  send(a, "04 00 04 00 a5 a6 a7 a8");
  send(b, "04 00 04 00 b1 b2 b3 b4");
  c->room = 99;
  ab_hci_writable(c->hci);
  fake_controller_got(c, "02 01 00 04 00 04 00 04 00");
  fake_controller_got(c, "02 02 00 04 00 04 00 04 00");
  fake_controller_got(c, "02 01 10 04 00 a1 a2 a3 a4");
  fake_controller_got(c, "02 02 10 04 00 b1 b2 b3 b4");
  fake_controller_got_nothing(c);
  down(a);
  down(b);
  fake_controller_free(c);
}

/* a peer out of range keeps the controller's buffers until its supervision timeout */
static void one_link_does_not_take_all_buffers(void **state) {
  fake_controller *c = controller(4);
  peer *a = link_up(c, 1), *b = link_up(c, 2), *d = link_up(c, 3);

  (void) state;
  for (unsigned i = 0; i < 10; i++)
    send(a, "00 00 04 00");
  assert_int_equal(a->link.in_flight, 2);
  send(b, "00 00 04 00");
  send(d, "00 00 04 00");
  assert_int_equal(b->done + d->done, 2);
  down(b);
  assert_int_equal(a->link.in_flight, 2); /* its own credits bring it on */
  fake_controller_gives(c, "04 13 05 01 01 00 01 00");
  assert_int_equal(a->link.in_flight, 3);
  down(d);
  down(a);
  fake_controller_free(c);
}

static void a_share_that_shrinks_holds_a_link_back(void **state) {
  fake_controller *c = controller(3);
  peer *a = link_up(c, 1), *b;

  (void) state;
  c->room = 2;
  for (unsigned i = 0; i < 3; i++)
    send(a, "00 00 04 00");
  assert_int_equal(a->link.in_flight, 2);
  b = link_up(c, 2); /* from now on two at most */
  c->room = 9;
  ab_hci_writable(c->hci);
  assert_int_equal(a->link.in_flight, 2);
  fake_controller_gives(c, "04 13 05 01 01 00 01 00");
  assert_int_equal(a->done, 3);
  down(a);
  down(b);
  fake_controller_free(c);
}

static void a_single_buffer_serves_all_links(void **state) {
  fake_controller *c = controller(1);
  peer *a = link_up(c, 1), *b = link_up(c, 2);

  (void) state;
  send(a, "00 00 04 00");
  send(a, "00 00 04 00");
  send(b, "00 00 04 00");
  assert_int_equal(fake_controller_pending(c), 1);
  fake_controller_gives(c, "04 13 05 01 01 00 01 00");
  assert_int_equal(b->done, 1);
  fake_controller_gives(c, "04 13 05 01 02 00 01 00");
  assert_int_equal(a->done, 2);
  down(a);
  down(b);
  fake_controller_free(c);
}

static void a_refusing_transport_is_waited_for(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  c->room = 1;
  send(a, "05 00 04 00 a1 a2 a3 a4 a5");
  assert_int_equal(fake_controller_pending(c), 1);
  assert_int_equal(a->done, 0);
  assert_int_equal(a->link.in_flight, 1);
  c->room = 99;
  ab_hci_writable(c->hci);
  fake_controller_got(c, "02 40 00 04 00 05 00 04 00");
  fake_controller_got(c, "02 40 10 04 00 a1 a2 a3 a4");
  fake_controller_got(c, "02 40 10 01 00 a5");
  assert_int_equal(a->done, 1);
  down(a);
  fake_controller_free(c);
}

/* ---- credits ---- */

static void hostile_completed_packets_bring_nothing(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 0x40);

  (void) state;
  for (unsigned i = 0; i < 9; i++)
    send(a, "00 00 04 00");
  assert_int_equal(a->done, 2);
  fake_controller_gives(c, "04 13 05 01 41 00 01 00"); /* no such link */
  fake_controller_gives(c, "04 13 05 01 ff ff 01 00");
  assert_int_equal(stats(c)->unknown_link, 2);
  assert_int_equal(a->done, 2);
  fake_controller_gives(c, "04 13 05 01 40 00 00 00"); /* none */
  assert_int_equal(a->done, 2);
  fake_controller_gives(c, "04 13 05 01 40 00 ff ff"); /* more than it held */
  assert_int_equal(stats(c)->credits, 1);
  assert_int_equal(a->done, 4);
  assert_int_equal(a->link.in_flight, 2);
  assert_int_equal(stats(c)->malformed, 0);
  fake_controller_gives(c, "04 13 00");
  fake_controller_gives(c, "04 13 04 01 40 00 01");
  fake_controller_gives(c, "04 13 02 ff 40");
  assert_int_equal(stats(c)->malformed, 3);
  assert_int_equal(a->done, 4);
  fake_controller_gives(c, "04 13 05 ff 40 00 01 00"); /* what is there counts: no credit is lost */
  assert_int_equal(stats(c)->malformed, 4);
  assert_int_equal(a->done, 5);
  fake_controller_gives(c, "04 13 06 01 40 00 01 00 00");
  assert_int_equal(stats(c)->malformed, 5);
  assert_int_equal(a->done, 6);
  down(a);
  fake_controller_free(c);
}

static void one_event_completes_for_several_links(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 1), *b = link_up(c, 2);

  (void) state;
  send(a, "00 00 04 00");
  send(b, "00 00 04 00");
  fake_controller_gives(c, "04 13 09 02 01 00 01 00 02 00 01 00");
  assert_int_equal(a->link.in_flight + b->link.in_flight, 0);
  down(a);
  down(b);
  fake_controller_free(c);
}

static void a_link_that_closes_gives_its_credits_back(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 1), *b;

  (void) state;
  send(a, "08 00 04 00 a1 a2 a3 a4 a5 a6 a7 a8");
  send(a, "00 00 04 00");
  assert_int_equal(a->link.in_flight, 2);
  assert_int_equal(a->done, 0);
  b = link_up(c, 2);
  send(b, "00 00 04 00");
  assert_int_equal(b->done, 0);
  ab_hci_link_close(c->hci, &a->link, AIOBLE_ERR_HCI(0x13));
  assert_int_equal(a->done, 2);
  assert_int_equal(a->status, AIOBLE_ERR_HCI(0x13));
  assert_int_equal(b->done, 1);
  fake_controller_gives(c, "04 13 05 01 01 00 02 00"); /* too late, and not twice */
  assert_int_equal(stats(c)->unknown_link, 1);
  send(b, "00 00 04 00");
  send(b, "00 00 04 00");
  assert_int_equal(b->link.in_flight, 2);
  ab_hci_link_close(c->hci, &a->link, 0); /* twice: harmless */
  assert_int_equal(a->done, 2);
  free(a);
  down(b);
  fake_controller_free(c);
}

static void an_overflow_is_counted(void **state) {
  fake_controller *c = controller(2);

  (void) state;
  fake_controller_gives(c, "04 1a 01 01");
  assert_int_equal(stats(c)->credits, 1);
  assert_int_equal(c->failures, 0);
  fake_controller_free(c);
}

/* ---- done may do anything ---- */

static void send_another(peer *me) {
  assert_false(me->inside); /* not one inside the other: the stack has an end */
  me->inside = true;
  if (me->done < 1000)
    me->on_done = send_another;
  send(me, "00 00 04 00");
  me->inside = false;
}

static void done_may_send_without_end(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  a->on_done = send_another;
  send(a, "00 00 04 00");
  assert_int_equal(a->done, 8);
  while (a->done < 1000)
    fake_controller_gives(c, "04 13 05 01 40 00 08 00");
  down(a);
  fake_controller_free(c);
}

static void close_it(peer *me) {
  ab_hci_link_close(me->c->hci, &me->link, AIOBLE_ENOTCONN);
}

static void done_may_close_the_link(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  c->room = 0;
  send(a, "00 00 04 00");
  send(a, "00 00 04 00");
  a->on_done = close_it;
  c->room = 9;
  ab_hci_writable(c->hci);
  assert_int_equal(a->done, 2);
  assert_int_equal(a->status, AIOBLE_ENOTCONN);
  assert_int_equal(fake_controller_pending(c), 1);
  send(a, "00 00 04 00");
  assert_int_equal(a->done, 3);
  assert_int_equal(a->status, AIOBLE_ENOTCONN);
  assert_int_equal(fake_controller_pending(c), 1);
  free(a);
  fake_controller_free(c);
}

static void stop_it(peer *me) {
  ab_hci_stop(me->c->hci, AIOBLE_ENODEV);
  assert_int_equal(me->done, 1);
}

static void done_may_stop_everything(void **state) {
  fake_controller *c = controller(8);
  peer *a = link_up(c, 0x40);

  (void) state;
  c->room = 0;
  send(a, "00 00 04 00");
  send(a, "00 00 04 00");
  a->on_done = stop_it;
  c->room = 9;
  ab_hci_writable(c->hci);
  assert_int_equal(a->done, 2);
  assert_int_equal(a->status, AIOBLE_ENODEV);
  assert_int_equal(fake_controller_pending(c), 1);
  assert_false(a->link.open);
  down(a);
  fake_controller_free(c);
}

static void stop_ends_all_queues_and_forgets_the_links(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 0), *b = link_up(c, 0xeff);

  (void) state;
  for (unsigned i = 0; i < 3; i++) {
    send(a, "08 00 04 00 a1 a2 a3 a4 a5 a6 a7 a8");
    send(b, "00 00 04 00");
  }
  a->done = b->done = 0;
  ab_hci_stop(c->hci, AIOBLE_ENODEV);
  assert_int_equal(a->done, 3);
  assert_int_equal(a->status, AIOBLE_ENODEV);
  assert_true(b->done >= 2);
  assert_false(a->link.open || b->link.open);
  assert_null(ab_hci_link_find(c->hci, 0xeff));
  down(a);
  down(b);
  fake_controller_free(c);
}

/* ---- links ---- */

static void a_handle_is_open_once(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 0xeff);
  ab_hci_link other;

  (void) state;
  assert_int_equal(ab_hci_link_open(c->hci, &other, 0xeff, on_frame), AIOBLE_EEXIST);
  assert_int_equal(ab_hci_link_open(c->hci, &other, 0xf00, on_frame), AIOBLE_EINVAL);
  fake_env_fail_at(c->env, 1);
  assert_int_equal(ab_hci_link_open(c->hci, &other, 0, on_frame), AIOBLE_ENOMEM);
  assert_ptr_equal(ab_hci_link_find(c->hci, 0xeff), &a->link);
  assert_null(ab_hci_link_find(c->hci, 0xefe));
  assert_null(ab_hci_link_find(c->hci, 0));
  assert_null(ab_hci_link_find(c->hci, 0xffff));
  down(a);
  a = link_up(c, 0xeff);
  down(a);
  fake_controller_free(c);
}

static void the_steady_state_allocates_nothing(void **state) {
  fake_controller *c = controller(2);
  peer *a = link_up(c, 0x40);
  unsigned before = 0;

  (void) state;
  for (unsigned i = 0; i < 50; i++) {
    if (i == 2)
      before = fake_env_allocs(c->env);
    send(a, "05 00 04 00 a1 a2 a3 a4 a5");
    fake_controller_gives(c, "04 13 05 01 40 00 02 00");
    fake_controller_gives(c, "04 13 05 01 40 00 01 00");
  }
  assert_int_equal(a->done, 50);
  assert_int_equal(fake_env_allocs(c->env), before);
  down(a);
  fake_controller_free(c);
}

/* ---- anything, in any order ---- */

enum { LINKS = 3, BUFFERS = 4, STEPS = 3000, SEEDS = 20 };

typedef struct far {
  ab_hci_link link;
  uint16_t handle;
  unsigned queued, done; /* PDUs since the link came up */
  unsigned heard;        /* … of which the controller has all */
  size_t at;             /* octets of the next that it has */
  unsigned held;         /* packets the controller holds */
} far;

typedef struct storm {
  fake_controller *c;
  far far[LINKS];
} storm;

/* the n-th PDU of a link is known by its number */
static size_t pdu_len(unsigned n) {
  return 4 + n * 7 % 23;
}

static uint8_t pdu_octet(const far *f, unsigned n, size_t i) {
  return i == 0 ? (uint8_t) (pdu_len(n) - 4) : i == 1 ? 0 : (uint8_t) (f->handle * 50 + n * 3 + i);
}

static void storm_done(ab_buf *buf, int status) {
  far *f = buf->ctx;

  assert_true(status == 0 || status == AIOBLE_ENOTCONN);
  f->done++;
}

static void storm_send(storm *s, far *f) {
  ab_buf *buf = ab_buf_new(&s->c->bufs, 64);
  ab_wr w = ab_buf_writer(buf);

  for (size_t i = 0; i < pdu_len(f->queued); i++)
    ab_wr_u8(&w, pdu_octet(f, f->queued, i));
  ab_buf_wrote(buf, &w);
  buf->done = storm_done;
  buf->ctx = f;
  f->queued++;
  ab_hci_link_send(s->c->hci, &f->link, buf);
}

/* the controller looks at what it was sent: whole, in order, and never too much */
static void storm_hear(storm *s) {
  uint8_t packet[64];
  size_t len;

  while ((len = fake_controller_take(s->c, packet, sizeof packet))) {
    ab_rd r = ab_rd_of(packet, len);
    unsigned type = ab_rd_u8(&r), head = ab_rd_le16(&r), size = ab_rd_le16(&r), held = 0;
    far *f = &s->far[(head & 0xfff) - 1];

    assert_int_equal(type, 2);
    assert_int_equal(size, ab_rd_left(&r));
    assert_true(size > 0 && size <= 4 && f->link.open);
    assert_int_equal(head >> 12, f->at ? 1 : 0);
    while (ab_rd_left(&r))
      assert_int_equal(ab_rd_u8(&r), pdu_octet(f, f->heard, f->at++));
    if (f->at == pdu_len(f->heard)) {
      f->heard++;
      f->at = 0;
    }
    f->held++;
    for (size_t i = 0; i < LINKS; i++)
      held += s->far[i].held;
    assert_true(held <= BUFFERS);
  }
}

static void storm_complete(storm *s, far *f, unsigned n) {
  char event[32];

  n = n < f->held ? n : f->held;
  f->held -= n;
  (void) snprintf(event, sizeof event, "04 13 05 01 %02x 00 %02x 00", f->handle, n);
  fake_controller_gives(s->c, event);
}

static void storm_toggle(storm *s, far *f) {
  if (f->link.open) {
    ab_hci_link_close(s->c->hci, &f->link, AIOBLE_ENOTCONN);
    assert_int_equal(f->done, f->queued);
    f->held = 0;
    f->at = f->queued = f->done = f->heard = 0;
  } else {
    assert_int_equal(ab_hci_link_open(s->c->hci, &f->link, f->handle, on_frame), 0);
  }
}

static void storm_step(storm *s) {
  uint8_t dice[3];
  far *f;

  assert_int_equal(ab_random(s->c->env, dice, sizeof dice), 0);
  f = &s->far[dice[0] % LINKS];
  if (dice[1] < 4 || !f->link.open)
    storm_toggle(s, f);
  else if (dice[1] < 100)
    storm_send(s, f);
  else if (dice[1] < 110)
    s->c->room = dice[2] % 3;
  else if (dice[1] < 140)
    s->c->room = 1000;
  else
    storm_complete(s, f, dice[2] % 4);
  if (s->c->room == 1000)
    ab_hci_writable(s->c->hci);
  storm_hear(s);
}

static void storm_end(storm *s) {
  s->c->room = 100000;
  ab_hci_writable(s->c->hci);
  for (unsigned busy = 1; busy;) {
    busy = 0;
    for (size_t i = 0; i < LINKS; i++) {
      storm_hear(s);
      busy += s->far[i].held;
      if (s->far[i].held)
        storm_complete(s, &s->far[i], BUFFERS);
    }
  }
  for (size_t i = 0; i < LINKS; i++) {
    assert_int_equal(s->far[i].heard, s->far[i].queued);
    assert_int_equal(s->far[i].done, s->far[i].queued);
    ab_hci_link_close(s->c->hci, &s->far[i].link, AIOBLE_ENOTCONN);
  }
}

static void in_any_order_data_stays_whole_and_no_credit_is_lost(void **state) {
  (void) state;
  for (unsigned seed = 1; seed <= SEEDS; seed++) {
    storm s = {.c = controller(BUFFERS)};

    fake_env_seed(s.c->env, seed);
    for (size_t i = 0; i < LINKS; i++)
      s.far[i].handle = (uint16_t) (i + 1);
    for (unsigned i = 0; i < STEPS; i++)
      storm_step(&s);
    storm_end(&s);
    assert_int_equal(stats(s.c)->credits, 0);
    fake_controller_free(s.c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_short_pdu_is_one_packet),
      cmocka_unit_test(a_long_pdu_goes_in_fragments),
      cmocka_unit_test(what_was_sent_in_fragments_is_as_it_was),
      cmocka_unit_test(fragments_wait_for_the_controllers_buffers),
      cmocka_unit_test(links_take_turns),
      cmocka_unit_test(one_link_does_not_take_all_buffers),
      cmocka_unit_test(a_share_that_shrinks_holds_a_link_back),
      cmocka_unit_test(a_single_buffer_serves_all_links),
      cmocka_unit_test(a_refusing_transport_is_waited_for),
      cmocka_unit_test(hostile_completed_packets_bring_nothing),
      cmocka_unit_test(one_event_completes_for_several_links),
      cmocka_unit_test(a_link_that_closes_gives_its_credits_back),
      cmocka_unit_test(an_overflow_is_counted),
      cmocka_unit_test(done_may_send_without_end),
      cmocka_unit_test(done_may_close_the_link),
      cmocka_unit_test(done_may_stop_everything),
      cmocka_unit_test(stop_ends_all_queues_and_forgets_the_links),
      cmocka_unit_test(a_handle_is_open_once),
      cmocka_unit_test(the_steady_state_allocates_nothing),
      cmocka_unit_test(in_any_order_data_stays_whole_and_no_credit_is_lost),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
