/* SPDX-License-Identifier: MIT */
/*
 * Work per operation, against a scripted controller: a transport that answers in the same process
 * and costs next to nothing itself.
 *
 *   bench WHAT N     does WHAT N times: read, write, command, notified, notify, report, or as
 *                    server served (a read), stored (a write)
 *
 * test/bench/run counts the instructions of 1,000 and of 11,000 and prints the difference per one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "att/att_pdu.h"
#include "hci/hci_records.h"
#include "util/wire.h"
#include <aioble.h>
#include <aioble/transport.h>
#include <aioble/virtual.h>

enum { HANDLE = 0x40, VALUE = 0x10, IN_SIZE = 1 << 16 };

/* ---- the controller ---- */

typedef struct script {
  aioble_transport_t transport;
  const aioble_transport_sink_t *sink;
  void *ctx;
  uint8_t in[IN_SIZE]; /* packets to the host, each with a two-octet length in front */
  ab_wr w;
  uint8_t role;
  unsigned completed;     /* ACL packets to give credits for */
  unsigned long answered; /* responses to the peer's requests */
} script;

static void put(script *s, const uint8_t *packet, size_t len) {
  ab_wr_le16(&s->w, (uint16_t) len);
  ab_wr_bytes(&s->w, packet, len);
  if (!ab_wr_ok(&s->w))
    abort();
}

static void put_event(script *s, uint8_t code, const void *params, size_t len) {
  uint8_t packet[260];
  ab_wr w = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&w, AIOBLE_H4_EVENT);
  ab_wr_u8(&w, code);
  ab_wr_u8(&w, (uint8_t) len);
  ab_wr_bytes(&w, params, len);
  put(s, packet, ab_wr_len(&w));
}

static void put_att(script *s, const void *pdu, size_t len) {
  uint8_t packet[600];
  ab_wr w = ab_wr_of(packet, sizeof packet);

  ab_wr_u8(&w, AIOBLE_H4_ACL);
  ab_wr_le16(&w, HANDLE | AB_HCI_PB_FIRST << 12);
  ab_wr_le16(&w, (uint16_t) (len + 4));
  ab_wr_le16(&w, (uint16_t) len);
  ab_wr_le16(&w, 4);
  ab_wr_bytes(&w, pdu, len);
  put(s, packet, ab_wr_len(&w));
}

static void put_connected(script *s) {
  ab_hci_le_ev_conn_complete ev = {.handle = HANDLE,
                                   .role = s->role,
                                   .peer_addr = {{2, 0, 0, 0, 0, 1}},
                                   .interval = 24,
                                   .supervision_timeout = 200};
  uint8_t params[1 + ab_hci_le_ev_conn_complete_size] = {AB_HCI_LE_EV_CONN_COMPLETE};
  ab_wr w = ab_wr_of(params + 1, sizeof params - 1);

  ab_hci_le_ev_conn_complete_write(&w, &ev);
  put_event(s, AB_HCI_EV_LE_META, params, sizeof params);
}

/* every command succeeds, with what the ones that matter return */
static void on_command(script *s, ab_rd *r) {
  uint16_t opcode = ab_rd_le16(r);
  uint8_t params[80] = {1};
  ab_wr w = ab_wr_of(params + 1, sizeof params - 1);
  bool status_only = opcode == AB_HCI_LE_CREATE_CONN || opcode == AB_HCI_DISCONNECT;
  size_t len = sizeof params;

  if (status_only) {
    uint8_t status[] = {0, 1, (uint8_t) opcode, (uint8_t) (opcode >> 8)};

    put_event(s, AB_HCI_EV_COMMAND_STATUS, status, sizeof status);
  } else {
    ab_wr_le16(&w, opcode);
    ab_wr_u8(&w, 0);
    if (opcode == AB_HCI_LE_READ_BUFFER_SIZE) {
      ab_wr_le16(&w, 251);
      ab_wr_u8(&w, 8);
    } else if (opcode == AB_HCI_READ_BD_ADDR) {
      ab_wr_u8(&w, 9);
    }
    put_event(s, AB_HCI_EV_COMMAND_COMPLETE, params, len);
  }
  if (opcode == (s->role ? AB_HCI_LE_SET_ADV_ENABLE : AB_HCI_LE_CREATE_CONN))
    put_connected(s);
}

static void respond(script *s, uint8_t opcode, const void *rest, size_t n) {
  uint8_t pdu[64] = {opcode};
  ab_wr w = ab_wr_of(pdu + 1, sizeof pdu - 1);

  ab_wr_bytes(&w, rest, n);
  put_att(s, pdu, n + 1);
}

static void respond_not_found(script *s, uint8_t request) {
  uint8_t rest[] = {request, 1, 0, AB_ATT_ERR_ATTRIBUTE_NOT_FOUND};

  respond(s, AB_ATT_ERROR_RSP, rest, sizeof rest);
}

/* a peer with one service 1 to 0x20 and in it one characteristic */
static void on_att(script *s, ab_rd *r) {
  static const uint8_t mtu[] = {0xf7, 0}, service[] = {1, 0, 0x20, 0},
                       found[] = {1, VALUE + 1, 0, 2, 0x29},
                       chr[] = {7, VALUE - 1, 0, 0x1e, VALUE, 0, 0x6e, 0x2a}, value[] = {1, 2};
  uint8_t opcode = ab_rd_u8(r);
  uint16_t first = ab_rd_le16(r);

  switch (opcode) {
  case AB_ATT_MTU_REQ:
    respond(s, AB_ATT_MTU_RSP, mtu, sizeof mtu);
    break;
  case AB_ATT_FIND_TYPE_REQ:
    if (first == 1)
      respond(s, AB_ATT_FIND_TYPE_RSP, service, sizeof service);
    else
      respond_not_found(s, opcode);
    break;
  case AB_ATT_READ_TYPE_REQ:
    if (first < VALUE)
      respond(s, AB_ATT_READ_TYPE_RSP, chr, sizeof chr);
    else
      respond_not_found(s, opcode);
    break;
  case AB_ATT_FIND_INFO_REQ:
    if (first <= VALUE + 1)
      respond(s, AB_ATT_FIND_INFO_RSP, found, sizeof found);
    else
      respond_not_found(s, opcode);
    break;
  case AB_ATT_READ_REQ:
    respond(s, AB_ATT_READ_RSP, value, sizeof value);
    break;
  case AB_ATT_WRITE_REQ:
    respond(s, AB_ATT_WRITE_RSP, NULL, 0);
    break;
  case AB_ATT_READ_RSP:
  case AB_ATT_WRITE_RSP:
    s->answered++;
    break;
  default:;
  }
}

static int script_send(aioble_transport_t *t, const uint8_t *packet, size_t len) {
  script *s = (script *) t;
  ab_rd r = ab_rd_of(packet, len);

  if (ab_rd_u8(&r) == AIOBLE_H4_COMMAND) {
    on_command(s, &r);
    return 0;
  }
  s->completed++;
  ab_rd_take(&r, 8);
  on_att(s, &r);
  return 0;
}

static int script_open(aioble_transport_t *t, const aioble_transport_sink_t *sink, void *ctx,
                       const char **why) {
  script *s = (script *) t;

  *why = NULL;
  s->sink = sink;
  s->ctx = ctx;
  return 0;
}

static void script_flush(aioble_transport_t *t) {
  (void) t;
}

static void script_close(aioble_transport_t *t) {
  script *s = (script *) t;

  s->sink->closed(s->ctx);
  s->sink = NULL;
}

static const aioble_transport_ops_t ops = {script_open, script_send, script_flush, script_close,
                                           script_flush};

/* gives the host all there is as one batch; false: there was nothing */
static bool give(script *s) {
  static uint8_t batch[IN_SIZE];
  size_t n = ab_wr_len(&s->w);
  ab_rd r;

  if (!n && !s->completed)
    return false;
  memcpy(batch, s->in, n);
  s->w = ab_wr_of(s->in, sizeof s->in);
  r = ab_rd_of(batch, n);
  while (ab_rd_left(&r)) {
    size_t len = ab_rd_le16(&r);

    s->sink->packet(s->ctx, ab_rd_take(&r, len), len);
  }
  if (s->completed) {
    uint8_t packet[] = {AIOBLE_H4_EVENT,
                        AB_HCI_EV_NUM_COMPLETED_PACKETS,
                        5,
                        1,
                        HANDLE,
                        0,
                        (uint8_t) s->completed,
                        0};

    s->completed = 0;
    s->sink->packet(s->ctx, packet, sizeof packet);
  }
  s->sink->batch_end(s->ctx);
  return true;
}

/* ---- the loop: turns when asked, else the controller's packets ---- */

typedef struct bench_loop {
  aioble_loop_t loop;
  script *s;
  bool wanted;
} bench_loop;

static uint64_t loop_now(aioble_loop_t *loop) {
  (void) loop;
  return 1;
}

static void loop_wake(aioble_loop_t *loop, uint64_t at) {
  (void) loop;
  (void) at;
}

static void loop_want(aioble_loop_t *loop) {
  ((bench_loop *) loop)->wanted = true;
}

static bool loop_run(aioble_loop_t *loop) {
  bench_loop *l = (bench_loop *) loop;

  if (l->wanted) {
    l->wanted = false;
    loop->on_turn(loop->ctx);
    return true;
  }
  return l->s->sink && give(l->s);
}

static void loop_close(aioble_loop_t *loop, void (*closed)(void *ctx), void *ctx) {
  (void) loop;
  closed(ctx);
}

static const aioble_loop_ops_t loop_ops = {loop_now, loop_wake, loop_want, loop_run, loop_close};

/* ---- what is measured ---- */

typedef struct bench {
  script s;
  bench_loop loop;
  aioble_t *ble;
  aioble_conn_t *conn;
  aioble_client_char_t *chr;
  aioble_char_t *local;
  unsigned long n, seen;
} bench;

static int check(int status) {
  if (status < 0) {
    (void) fprintf(stderr, "bench: %s\n", aioble_strerror(status));
    exit(1);
  }
  return status;
}

static aioble_op_t *ok(aioble_op_t *op) {
  check(aioble_op_await(op));
  return op;
}

static void connect(bench *b) {
  const aioble_addr_t peer = {0, {2, 0, 0, 0, 0, 1}};
  aioble_device_t *device = aioble_device_new(b->ble, &peer);
  aioble_op_t *conn = ok(aioble_device_connect(device, NULL));
  aioble_op_t *svc = ok(aioble_conn_service(aioble_op_conn(conn), AIOBLE_UUID16(0x181a)));
  aioble_op_t *chr = ok(aioble_client_service_char(aioble_op_service(svc), AIOBLE_UUID16(0x2a6e)));

  b->chr = aioble_client_char_ref(aioble_op_char(chr));
  aioble_op_unref(chr);
  aioble_op_unref(svc);
  aioble_op_unref(conn);
  aioble_device_unref(device);
}

static void run_read(bench *b) {
  connect(b);
  for (unsigned long i = 0; i < b->n; i++)
    check(aioble_op_finish(aioble_client_char_read(b->chr)));
}

static void run_writes(bench *b, aioble_write_mode_t mode) {
  connect(b);
  for (unsigned long i = 0; i < b->n; i++)
    check(aioble_op_finish(aioble_client_char_write(b->chr, "12345678", 8, mode)));
}

static void run_write(bench *b) {
  run_writes(b, AIOBLE_WRITE_REQUEST);
}

static void run_command(bench *b) {
  run_writes(b, AIOBLE_WRITE_NO_RESPONSE);
}

static void on_value(aioble_client_char_t *chr, aioble_bytes_t value, bool indication, void *user) {
  bench *b = user;

  (void) chr;
  (void) indication;
  b->seen += value.len == 8;
}

static void run_notified(bench *b) {
  static const uint8_t pdu[] = {AB_ATT_NOTIFICATION, VALUE, 0, 1, 2, 3, 4, 5, 6, 7, 8};

  connect(b);
  aioble_client_char_on_notify(b->chr, on_value, b);
  for (unsigned long i = 0; i < b->n; i++) {
    put_att(&b->s, pdu, sizeof pdu);
    while (loop_run(&b->loop.loop))
      ;
  }
  if (b->seen != b->n)
    check(AIOBLE_EPROTO);
}

static void run_notify(bench *b) {
  aioble_op_t *adv;

  b->s.role = AB_HCI_ROLE_PERIPHERAL;
  adv = ok(aioble_advertise(b->ble, NULL));
  for (unsigned long i = 0; i < b->n; i++)
    check(aioble_op_finish(aioble_char_notify(b->local, aioble_op_conn(adv), "12345678", 8)));
  aioble_op_unref(adv);
}

/* a central asks for the local characteristic's value, or writes it */
static void serve(bench *b, uint8_t opcode, const char *value) {
  uint16_t handle = aioble_char_handle(b->local);
  aioble_op_t *adv;
  uint8_t pdu[16];
  ab_wr w;

  b->s.role = AB_HCI_ROLE_PERIPHERAL;
  adv = ok(aioble_advertise(b->ble, NULL));
  for (unsigned long i = 0; i < b->n; i++) {
    w = ab_wr_of(pdu, sizeof pdu);
    ab_wr_u8(&w, opcode);
    ab_wr_le16(&w, handle);
    ab_wr_bytes(&w, value, strlen(value));
    put_att(&b->s, pdu, ab_wr_len(&w));
    while (loop_run(&b->loop.loop))
      ;
  }
  aioble_op_unref(adv);
  if (b->s.answered != b->n)
    check(AIOBLE_EPROTO);
}

static void run_served(bench *b) {
  serve(b, AB_ATT_READ_REQ, "");
}

static void run_stored(bench *b) {
  serve(b, AB_ATT_WRITE_REQ, "12345678");
}

static void on_result(aioble_scan_t *scan, aioble_scan_result_t *result, void *user) {
  (void) scan;
  (void) result;
  ((bench *) user)->seen++;
}

static void run_report(bench *b) {
  uint8_t params[] = {AB_HCI_LE_EV_ADV_REPORT, 1, 0, 0, 1, 2, 3, 4, 5, 6, 3, 2, 1, 6, 0};
  aioble_scan_t *scan =
      aioble_scan(b->ble, &(aioble_scan_options_t){.on_result = on_result, .user = b});

  check(aioble_op_finish(aioble_open(b->ble)));
  for (unsigned long i = 0; i < b->n; i++) {
    params[sizeof params - 1] = (uint8_t) (0xa0 + i % 2);
    put_event(&b->s, AB_HCI_EV_LE_META, params, sizeof params);
    while (loop_run(&b->loop.loop))
      ;
  }
  if (b->seen < b->n)
    check(AIOBLE_EPROTO);
  check(aioble_op_finish(aioble_scan_stop(scan)));
  aioble_scan_unref(scan);
}

static const struct {
  const char *name;
  void (*run)(bench *b);
} kinds[] = {{"read", run_read},         {"write", run_write},   {"command", run_command},
             {"notified", run_notified}, {"notify", run_notify}, {"report", run_report},
             {"served", run_served},     {"stored", run_stored}};

static void setup(bench *b) {
  aioble_service_t *service;

  b->s.transport.ops = &ops;
  b->s.w = ab_wr_of(b->s.in, sizeof b->s.in);
  b->loop.loop.ops = &loop_ops;
  b->loop.s = &b->s;
  b->ble = aioble_new(
      NULL, &(aioble_options_t){.transport = &b->s.transport, .loop = &b->loop.loop, .store = ""});
  service = aioble_service_new(b->ble, AIOBLE_UUID16(0x181a));
  b->local = aioble_char_new(service, AIOBLE_UUID16(0x2a6e),
                             AIOBLE_READ | AIOBLE_WRITE | AIOBLE_NOTIFY, NULL);
  check(aioble_register_services(b->ble, &service, 1));
  aioble_service_unref(service);
}

int main(int argc, char **argv) {
  static bench b;

  b.n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  for (size_t i = 0; b.n && i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, argv[1]) != 0)
      continue;
    setup(&b);
    kinds[i].run(&b);
    aioble_client_char_unref(b.chr);
    (void) aioble_op_finish(aioble_close(b.ble));
    aioble_unref(b.ble);
    return 0;
  }
  (void) fprintf(stderr, "usage: bench read|write|command|notified|notify|report N\n");
  return 2;
}
