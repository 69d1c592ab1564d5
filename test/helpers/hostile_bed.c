/* SPDX-License-Identifier: MIT */
#include "helpers/hostile_bed.h"
#include "helpers/pdu_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME_MAX = 2048, FIRST = 0, CONTINUED = 1, L2CAP_HEADER = 4, ACL_LEN = 251, WAIT_MS = 100 };

/* ---- the victim ---- */

static int on_later(aioble_access_t *access, void *user) {
  hostile_bed *b = user;

  if (b->act)
    b->act(b);
  assert_null(b->answer);
  b->answer = aioble_access_later(access);
  return b->answer ? AIOBLE_ANSWER_LATER : 0;
}

static void serve(hostile_bed *b) {
  const aioble_char_options_t value = {.max_len = 20, .initial = {(const uint8_t *) "fine", 4}};
  const aioble_char_options_t secret = {.initial = value.initial,
                                        .read_security = AIOBLE_SECURITY_ENCRYPTED,
                                        .write_security = AIOBLE_SECURITY_ENCRYPTED};
  const aioble_char_options_t later = {.on_read = on_later, .on_write = on_later, .user = b};

  b->service = aioble_service_new(b->victim, aioble_uuid16(0xffe0));
  b->value = aioble_char_new(b->service, aioble_uuid16(0xffe1),
                             AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RESPONSE | AIOBLE_NOTIFY |
                                 AIOBLE_INDICATE,
                             &value);
  b->secret =
      aioble_char_new(b->service, aioble_uuid16(0xffe2), AIOBLE_READ | AIOBLE_WRITE, &secret);
  b->later = aioble_char_new(b->service, aioble_uuid16(0xffe3), AIOBLE_READ | AIOBLE_WRITE, &later);
  assert_int_equal(aioble_register_services(b->victim, &b->service, 1), 0);
  b->listener = aioble_l2cap_listen(
      b->victim, HOSTILE_PSM,
      &(aioble_listen_options_t){.channel = {.mtu = 100, .mps = 64, .credits = 3}});
  assert_non_null(b->listener);
}

/* ---- the neighbour ---- */

static void befriend(hostile_bed *b) {
  aioble_op_t *service, *value;

  sim_connect(b->neighbour, b->victim, &b->good_end, &b->good);
  service = sim_ok(aioble_conn_service(b->good_end, aioble_uuid16(0xffe0)));
  value = sim_ok(aioble_client_service_char(aioble_op_service(service), aioble_uuid16(0xffe1)));
  b->good_value = aioble_client_char_ref(aioble_op_char(value));
  aioble_op_unref(value);
  aioble_op_unref(service);
}

static void expect_served(hostile_bed *b) {
  aioble_op_t *read;

  sim_expect(aioble_client_char_write(b->good_value, "still here", 10, AIOBLE_WRITE_REQUEST), 0);
  read = sim_ok(aioble_client_char_read(b->good_value));
  assert_int_equal(aioble_op_value(read).len, 10);
  assert_memory_equal(aioble_op_value(read).data, "still here", 10);
  aioble_op_unref(read);
}

/* ---- the peer ---- */

static uint16_t link_of_peer(hostile_bed *b) {
  ab_hci_le_ev_conn_complete ev;
  ab_rd r;

  assert_true(vr_host_wait(&b->host, VR_LE(AB_HCI_LE_EV_CONN_COMPLETE), &r));
  assert_true(ab_hci_le_ev_conn_complete_read(&r, &ev));
  assert_int_equal(ev.status, 0);
  return ev.handle;
}

static ab_addr6 addr_of(aioble_t *ble) {
  aioble_addr_t addr = sim_addr(ble);
  ab_addr6 a;

  assert_int_equal(addr.type, AIOBLE_ADDR_PUBLIC);
  memcpy(a.b, addr.bytes, sizeof a.b);
  return a;
}

static aioble_addr_t public_addr(ab_addr6 a) {
  aioble_addr_t addr = {.type = AIOBLE_ADDR_PUBLIC};

  memcpy(addr.bytes, a.b, sizeof a.b);
  return addr;
}

static aioble_op_t *connect_from_peer(hostile_bed *b) {
  aioble_op_t *op = aioble_advertise(b->victim, NULL);

  sim_run_ms(&b->s, WAIT_MS);
  assert_int_equal(vr_host_create(&b->host, addr_of(b->victim)), 0);
  return op;
}

static aioble_op_t *connect_to_peer(hostile_bed *b) {
  aioble_addr_t addr = public_addr(vr_host_addr(&b->host));
  aioble_device_t *device = aioble_device_new(b->victim, &addr);
  aioble_op_t *op;

  vr_host_advertise(&b->host, AB_HCI_ADV_IND);
  op = aioble_device_connect(device, NULL);
  aioble_device_unref(device);
  return op;
}

void hostile_connect(hostile_bed *b) {
  aioble_op_t *op = b->central ? connect_from_peer(b) : connect_to_peer(b);

  b->handle = link_of_peer(b);
  sim_ok(op);
  aioble_conn_unref(b->conn);
  b->conn = aioble_conn_ref(aioble_op_conn(op));
  aioble_op_unref(op);
}

void hostile_open(hostile_bed *b, bool central) {
  hostile_open_on(b, central, NULL);
}

void hostile_open_on(hostile_bed *b, bool central, const aioble_virtual_options_t *radio) {
  memset(b, 0, sizeof *b);
  b->central = central;
  sim_open(&b->s, radio);
  b->victim = sim_stack_new(&b->s, &(aioble_options_t){.no_auto_mtu = true}, NULL);
  b->neighbour = sim_stack_new(&b->s, NULL, NULL);
  serve(b);
  befriend(b);
  vr_host_open(&b->host, b->s.radio, NULL);
  hostile_connect(b);
}

void hostile_close(hostile_bed *b) {
  expect_served(b);
  if (b->answer)
    (void) aioble_answer(b->answer, 0, NULL, 0);
  aioble_client_char_unref(b->good_value);
  aioble_listener_unref(b->listener);
  aioble_service_unref(b->service);
  aioble_conn_unref(b->conn);
  aioble_conn_unref(b->good);
  aioble_conn_unref(b->good_end);
  vr_host_close(&b->host);
  sim_close(&b->s);
}

/* ---- what it says, and hears ---- */

static void send_pieces(hostile_bed *b, const uint8_t *data, size_t len) {
  uint8_t pb = FIRST;

  for (size_t n; len; data += n, len -= n, pb = CONTINUED) {
    n = len < ACL_LEN ? len : ACL_LEN;
    vr_host_acl(&b->host, b->handle, pb, data, n);
    b->host.t->ops->flush(b->host.t);
    sim_run_ms(&b->s, 1);
  }
}

void hostile_says_octets(hostile_bed *b, uint16_t cid, const uint8_t *octets, size_t len) {
  uint8_t frame[L2CAP_HEADER + FRAME_MAX];
  ab_wr w = ab_wr_of(frame, sizeof frame);

  ab_wr_le16(&w, (uint16_t) len);
  ab_wr_le16(&w, cid);
  ab_wr_bytes(&w, octets, len);
  send_pieces(b, frame, ab_wr_len(&w));
}

void hostile_says(hostile_bed *b, uint16_t cid, const char *text) {
  uint8_t octets[FRAME_MAX];

  hostile_says_octets(b, cid, octets, pdu_script_bytes(text, octets, sizeof octets));
}

void hostile_fragment(hostile_bed *b, uint8_t pb, const char *text) {
  uint8_t data[FRAME_MAX];
  size_t len = pdu_script_bytes(text, data, sizeof data);

  vr_host_acl(&b->host, b->handle, pb, data, len);
  b->host.t->ops->flush(b->host.t);
  sim_run_ms(&b->s, 1);
}

/* the next frame on that channel, what came before on others is dropped; false: none yet */
static bool take_frame(hostile_bed *b, uint16_t cid, ab_rd *payload) {
  uint16_t handle;
  uint8_t pb;

  while (vr_host_take_acl(&b->host, &handle, &pb, payload)) {
    uint16_t len = ab_rd_le16(payload);

    assert_int_equal(handle, b->handle);
    if (ab_rd_le16(payload) != cid)
      continue;
    assert_int_equal(len, ab_rd_left(payload));
    return true;
  }
  return false;
}

/* octet for octet; "??" is any */
static void expect_octets(ab_rd r, const char *text) {
  size_t len = ab_rd_left(&r), n = 0;
  const uint8_t *octets = ab_rd_take(&r, len);
  char wanted[3 * FRAME_MAX + 1], got[3 * FRAME_MAX + 1] = "";

  assert_true(len < FRAME_MAX && strlen(text) < sizeof wanted);
  (void) strcpy(wanted, text);
  for (size_t i = 0; i < len; i++)
    n += (size_t) sprintf(got + n, i ? " %02x" : "%02x", octets[i]);
  for (char *any = wanted; (any = strstr(any, "??")) && any - wanted + 2 <= (ptrdiff_t) n; any += 2)
    memcpy(any, got + (any - wanted), 2);
  assert_string_equal(got, wanted);
}

static void await_frame(hostile_bed *b, uint16_t cid, ab_rd *r, const char *what) {
  uint64_t until = aioble_virtual_now_us(b->s.radio) + 60000000;

  while (!take_frame(b, cid, r))
    if (aioble_virtual_now_us(b->s.radio) > until || !aioble_virtual_run_once(b->s.radio))
      fail_msg("nothing came, instead of %s", what);
}

void hostile_hears(hostile_bed *b, uint16_t cid, const char *text) {
  ab_rd r;

  await_frame(b, cid, &r, text);
  expect_octets(r, text);
}

size_t hostile_takes(hostile_bed *b, uint16_t cid, uint8_t *octets, size_t size) {
  ab_rd r;
  size_t len;

  await_frame(b, cid, &r, "anything");
  len = ab_rd_left(&r);
  assert_true(len <= size);
  memcpy(octets, ab_rd_take(&r, len), len);
  return len;
}

void hostile_asks(hostile_bed *b, uint16_t cid, const char *text, const char *answer) {
  hostile_says(b, cid, text);
  hostile_hears(b, cid, answer);
}

void hostile_alive(hostile_bed *b) {
  hostile_asks(b, CID_ATT, "0a 12 00", "0b 66 69 6e 65");
}

void hostile_mumbles(hostile_bed *b, uint16_t cid, const char *text) {
  hostile_says(b, cid, text);
  sim_run_ms(&b->s, 10);
  vr_host_forget(&b->host);
}

void hostile_hears_nothing(hostile_bed *b, uint16_t cid) {
  ab_rd r;

  sim_run_ms(&b->s, WAIT_MS);
  assert_false(take_frame(b, cid, &r));
  assert_true(aioble_conn_is_connected(b->conn));
}

static void reply(hostile_bed *b, uint8_t opcode, const hostile_reply *replies, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (replies[i].opcode == opcode) {
      if (replies[i].text)
        hostile_says(b, CID_ATT, replies[i].text);
      return;
    }
  fail_msg("nobody answers %02x", opcode);
}

unsigned hostile_serves(hostile_bed *b, const aioble_op_t *op, const hostile_reply *replies,
                        size_t n) {
  enum { CIRCLES = 100 };
  unsigned asked = 0;
  ab_rd r;

  while (!aioble_op_done(op)) {
    if (take_frame(b, CID_ATT, &r)) {
      assert_true(++asked < CIRCLES);
      reply(b, ab_rd_u8(&r), replies, n);
    } else {
      assert_true(aioble_virtual_run_once(b->s.radio));
    }
  }
  return asked;
}

void hostile_is_thrown_out(hostile_bed *b, uint8_t reason) {
  assert_int_equal(vr_host_gone(&b->host, b->handle), reason);
  sim_run_ms(&b->s, WAIT_MS);
  assert_false(aioble_conn_is_connected(b->conn));
  vr_host_forget(&b->host);
}

void hostile_leaves(hostile_bed *b) {
  assert_int_equal(VR_DO(&b->host, AB_HCI_DISCONNECT, hci_disconnect, .handle = b->handle,
                         .reason = AB_HCI_ERR_REMOTE_USER),
                   0);
  hostile_is_thrown_out(b, AB_HCI_ERR_LOCAL_HOST);
}

void hostile_controller_says(hostile_bed *b, const char *text) {
  uint8_t packet[FRAME_MAX];
  size_t len = pdu_script_bytes(text, packet, sizeof packet);

  assert_int_equal(aioble_virtual_controller_inject(b->s.stacks[0].controller, packet, len), 0);
  sim_run_ms(&b->s, 1);
}

aioble_stats_t hostile_stats(const hostile_bed *b) {
  return sim_stats(b->victim);
}
