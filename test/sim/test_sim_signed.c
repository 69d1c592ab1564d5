/* SPDX-License-Identifier: MIT */
/* Two stacks with a bond, on a link that is not encrypted: what one signs the other believes, once,
   whatever has happened to either between two links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/cached_pair.h"
#include "helpers/temp_dir.h"
#include <sys/stat.h>

static const aioble_connect_options_t unencrypted = {.unencrypted = true};

/* A pair of which the server has a door. */
typedef struct world {
  cached_pair *p;
  aioble_service_t *service;
  aioble_char_t *door;
  aioble_client_char_t *at_client;
  unsigned opened;
  aioble_signature_t signature; /* of the last one */
  uint8_t last[64];             /* the last signed write that the server got, behind its opcode */
  size_t len;
  uint8_t (*real)(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len);
} world;

static world *now; /* there is one at a time */

static int on_write(aioble_access_t *access, void *user) {
  world *w = user;

  assert_true(access->command);
  w->opened++;
  w->signature = access->signature;
  return 0;
}

/* whoever listens */
static uint8_t overhear(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data,
                        size_t len) {
  assert_true(len <= sizeof now->last);
  memcpy(now->last, data, len);
  now->len = len;
  return now->real(link, opcode, data, len);
}

static void add_door(world *w) {
  const aioble_char_options_t options = {.on_write = on_write, .capture = true, .user = w};

  w->service = aioble_service_new(w->p->server, AIOBLE_UUID16(0x1815));
  w->door = aioble_char_new(w->service, AIOBLE_UUID16(0x2a56), AIOBLE_SIGNED_WRITE, &options);
  assert_int_equal(aioble_service_add(w->service), 0);
  w->real = w->p->server->server.verify;
  w->p->server->server.verify = overhear;
}

/* options: of the client; NULL: none */
static world *world_new(const aioble_options_t *options) {
  world *w = calloc(1, sizeof *w);

  assert_non_null(w);
  now = w;
  w->p = cached_pair_new(options);
  add_door(w);
  return w;
}

static void world_free(world *w) {
  aioble_client_char_unref(w->at_client);
  aioble_service_unref(w->service);
  cached_pair_free(w->p);
  free(w);
}

static void meet(world *w, const aioble_connect_options_t *options) {
  cached_pair_meet(w->p, options);
  w->at_client = cached_pair_char(w->p, 0x1815, 0x2a56);
}

static void part(world *w) {
  w->at_client = aioble_client_char_unref(w->at_client);
  cached_pair_part(w->p);
}

static void make_bond(world *w) {
  cached_pair_meet(w->p, NULL);
  sim_expect(aioble_conn_pair(w->p->at_client, NULL), 0);
  sim_run_ms(&w->p->s, 100);
  cached_pair_part(w->p);
}

static void restart_server(world *w) {
  w->service = aioble_service_unref(w->service);
  cached_pair_restart_server(w->p);
  add_door(w);
}

static world *bonded(void) {
  world *w = world_new(NULL);

  make_bond(w);
  meet(w, &unencrypted);
  return w;
}

static void knock(world *w, int status) {
  sim_expect(aioble_client_char_write(w->at_client, "open", 4, AIOBLE_WRITE_SIGNED), status);
  sim_run_ms(&w->p->s, 20);
}

/* the last one, again */
static void repeat(world *w) {
  ab_att *att = &w->p->at_client->att;
  uint8_t copy[sizeof w->last];
  ab_buf *pdu;
  ab_wr wr;

  memcpy(copy, w->last, w->len);
  pdu = ab_att_pdu(att, AB_ATT_SIGNED_WRITE_CMD, &wr);
  assert_non_null(pdu);
  ab_wr_bytes(&wr, copy, w->len);
  ab_buf_wrote(pdu, &wr);
  assert_true(ab_host_touch(w->p->client));
  ab_att_send(att, pdu);
  sim_run_ms(&w->p->s, 20);
}

static uint32_t last_counter(const world *w) {
  ab_rd r = ab_rd_of(w->last + w->len - 12, 4);

  return ab_rd_le32(&r);
}

/* ---- one link ---- */

static void a_signed_write_is_one_and_says_so(void **state) {
  world *w = bonded();
  aioble_op_t *written;

  (void) state;
  assert_false(aioble_conn_security(w->p->at_client).encrypted);
  for (unsigned i = 1; i <= 3; i++) {
    knock(w, 0);
    assert_int_equal(w->opened, i);
    assert_int_equal(w->signature, AIOBLE_SIGNED);
    assert_int_equal(last_counter(w), i - 1);
    written = sim_ok(aioble_char_written(w->door));
    assert_int_equal(aioble_op_value(written).len, 4);
    assert_ptr_equal(aioble_op_conn(written), w->p->at_server);
    aioble_op_unref(written);
  }
  /* there is no other way to write it, so that is what it comes to */
  sim_expect(aioble_client_char_write(w->at_client, "open", 4, AIOBLE_WRITE_AUTO), 0);
  sim_run_ms(&w->p->s, 20);
  assert_int_equal(w->opened, 4);
  assert_int_equal(w->signature, AIOBLE_SIGNED);
  sim_expect(aioble_client_char_write(w->at_client, "open", 4, AIOBLE_WRITE_NO_RESPONSE), 0);
  sim_expect(aioble_client_char_write(w->at_client, "open", 4, AIOBLE_WRITE_REQUEST),
             AIOBLE_ERR_ATT(0x03));
  assert_int_equal(w->opened, 4);
  assert_int_equal(sim_stats(w->p->server).signatures_refused, 0);
  world_free(w);
}

static void a_repeated_one_is_refused_and_counted(void **state) {
  world *w = bonded();

  (void) state;
  knock(w, 0);
  for (unsigned i = 1; i <= 2; i++) {
    repeat(w);
    assert_int_equal(sim_stats(w->p->server).signatures_replayed, i);
  }
  w->last[w->len - 1] ^= 1;
  repeat(w);
  assert_int_equal(sim_stats(w->p->server).signatures_refused, 1);
  assert_int_equal(w->opened, 1);
  knock(w, 0);
  assert_int_equal(w->opened, 2);
  world_free(w);
}

static void the_longest_fits_one_more_does_not(void **state) {
  static const uint8_t octets[512];
  world *w = bonded();
  size_t longest = aioble_conn_mtu(w->p->at_client) - 15u;

  (void) state;
  w->p->server->server.verify = w->real; /* it would be too much to overhear */
  sim_expect(aioble_client_char_write(w->at_client, octets, longest + 1, AIOBLE_WRITE_SIGNED),
             AIOBLE_EMSGSIZE);
  sim_expect(aioble_client_char_write(w->at_client, octets, longest, AIOBLE_WRITE_SIGNED), 0);
  sim_run_ms(&w->p->s, 20);
  assert_int_equal(w->opened, 1);
  sim_expect(aioble_client_char_write(w->at_client, NULL, 0, AIOBLE_WRITE_SIGNED), 0);
  sim_expect(aioble_client_char_write(w->at_client, "", 0, (aioble_write_mode_t) 4), AIOBLE_EINVAL);
  sim_run_ms(&w->p->s, 20);
  assert_int_equal(w->opened, 2);
  world_free(w);
}

/* by the specification an encrypted link says as much */
static void on_an_encrypted_link_it_is_a_plain_one(void **state) {
  world *w = world_new(NULL);

  (void) state;
  make_bond(w);
  meet(w, NULL);
  assert_true(aioble_conn_security(w->p->at_client).bonded);
  knock(w, 0);
  assert_int_equal(w->opened, 1);
  assert_int_equal(w->signature, AIOBLE_UNSIGNED);
  assert_int_equal(w->len, 0);
  world_free(w);
}

static void a_stranger_cannot_sign(void **state) {
  world *w = world_new(NULL);
  aioble_addr_t client;

  (void) state;
  meet(w, &unencrypted); /* of whom there is no bond */
  knock(w, AIOBLE_ENOENT);
  assert_int_equal(w->opened, 0);
  part(w);
  make_bond(w);
  meet(w, &unencrypted);
  knock(w, 0);
  client = sim_addr(w->p->client);
  assert_int_equal(aioble_bond_delete(w->p->server, &client), 0);
  knock(w, 0);
  assert_int_equal(w->opened, 1);
  assert_int_equal(sim_stats(w->p->server).signatures_refused, 1);
  sim_expect(aioble_conn_disconnect(w->p->at_client), 0);
  knock(w, AIOBLE_ENOTCONN);
  world_free(w);
}

/* the peripheral may be the client, too */
static void the_peripheral_signs_as_well(void **state) {
  world *w = bonded();
  aioble_service_t *service = aioble_service_new(w->p->client, AIOBLE_UUID16(0x1815));
  const aioble_char_options_t options = {.on_write = on_write, .user = w};
  aioble_op_t *found, *chr;

  (void) state;
  (void) aioble_char_new(service, AIOBLE_UUID16(0x2a56), AIOBLE_SIGNED_WRITE, &options);
  assert_int_equal(aioble_service_add(service), 0);
  aioble_service_unref(service);
  found = sim_ok(aioble_conn_service(w->p->at_server, AIOBLE_UUID16(0x1815)));
  chr = sim_ok(aioble_client_service_char(aioble_op_service(found), AIOBLE_UUID16(0x2a56)));
  sim_expect(aioble_client_char_write(aioble_op_char(chr), "!", 1, AIOBLE_WRITE_SIGNED), 0);
  sim_run_ms(&w->p->s, 20);
  assert_int_equal(w->opened, 1);
  assert_int_equal(w->signature, AIOBLE_SIGNED);
  aioble_op_unref(chr);
  aioble_op_unref(found);
  world_free(w);
}

/* by the identity that its address hides */
static void a_peer_in_hiding_signs_as_well(void **state) {
  world *w = world_new(&(aioble_options_t){.private_address = true, .rotation_s = 60});

  (void) state;
  make_bond(w);
  for (unsigned i = 1; i <= 2; i++) {
    meet(w, &unencrypted);
    knock(w, 0);
    assert_int_equal(w->opened, i);
    assert_int_equal(w->signature, AIOBLE_SIGNED);
    part(w);
    sim_run_ms(&w->p->s, 70000);
  }
  assert_int_equal(sim_stats(w->p->server).signatures_refused, 0);
  world_free(w);
}

/* whoever connects without that option gets what it always gets */
static void another_connect_encrypts_the_link(void **state) {
  world *w = bonded();
  aioble_device_t *device = sim_device(w->p->client, w->p->server);

  (void) state;
  sim_expect(aioble_device_connect(device, &unencrypted), 0);
  assert_false(aioble_conn_security(w->p->at_client).encrypted);
  sim_expect(aioble_device_connect(device, NULL), 0);
  assert_true(aioble_conn_security(w->p->at_client).bonded);
  sim_expect(aioble_device_connect(device, NULL), 0);
  knock(w, 0);
  assert_int_equal(w->signature, AIOBLE_UNSIGNED);
  part(w);
  for (unsigned i = 0; i < 2; i++) { /* two at once, in either order */
    aioble_op_t *adv = aioble_advertise(w->p->server, NULL);
    aioble_op_t *one = aioble_device_connect(device, i ? &unencrypted : NULL);
    aioble_op_t *other = aioble_device_connect(device, i ? NULL : &unencrypted);

    sim_expect(adv, 0);
    sim_expect(one, 0);
    sim_expect(other, 0);
    assert_true(aioble_conn_security(aioble_device_conn(device)).bonded);
    sim_expect(aioble_conn_disconnect(aioble_device_conn(device)), 0);
    sim_run_ms(&w->p->s, 100);
  }
  aioble_device_unref(device);
  world_free(w);
}

/* ---- restarts ---- */

static void counters_outlive_a_restart_of_either(void **state) {
  uint8_t recorded[sizeof now->last];
  world *w = bonded();
  uint32_t before;

  (void) state;
  knock(w, 0);
  memcpy(recorded, w->last, w->len);
  for (unsigned i = 1; i <= 3; i++) {
    before = last_counter(w);
    part(w);
    if (i & 1)
      restart_server(w);
    if (i & 2)
      cached_pair_restart_client(w->p);
    meet(w, &unencrypted);
    memcpy(w->last, recorded, w->len);
    repeat(w);
    assert_int_equal(w->opened, i);
    assert_int_equal(sim_stats(w->p->server).signatures_replayed, i == 2 ? 2 : 1);
    knock(w, 0);
    assert_int_equal(w->opened, i + 1);
    assert_true(last_counter(w) > before);
    assert_int_equal(w->signature, AIOBLE_SIGNED);
  }
  world_free(w);
}

/* what a kill would leave: 0 for none */
static double on_disk(const world *w, const char *file, const char *name) {
  char text[16000];
  const char *at;

  temp_dir_read(w->p->dir, file, text, sizeof text);
  at = strstr(text, name);
  return at ? strtod(at + strlen(name) + 2, NULL) : 0;
}

static void our_counters_are_on_the_disk_before_they_are_on_the_air(void **state) {
  world *w = bonded();

  (void) state;
  for (unsigned i = 0; i < 2 * AB_SMP_RESERVE + 2; i++) {
    knock(w, 0);
    assert_int_equal(last_counter(w), i);
    assert_true(on_disk(w, "client.json", "\"local_sign_counter\"") > i);
    aioble_op_unref(sim_ok(aioble_char_written(w->door)));
  }
  world_free(w);
}

/* at once, unless there are many: then after 5 s */
static void the_peers_are_on_the_disk_soon(void **state) {
  world *w = bonded();

  (void) state;
  sim_run_ms(&w->p->s, 6000);
  for (unsigned i = 0; i < 3; i++)
    knock(w, 0);
  assert_true(on_disk(w, "server.json", "\"sign_counter\"") == 1);
  sim_run_ms(&w->p->s, 6000);
  assert_true(on_disk(w, "server.json", "\"sign_counter\"") == 3);
  sim_run_ms(&w->p->s, 6000);
  knock(w, 0);
  assert_true(on_disk(w, "server.json", "\"sign_counter\"") == 4);
  world_free(w);
}

/* a counter that might be used again is not used */
static void without_a_place_to_count_nothing_is_signed(void **state) {
  world *w = bonded();
  char path[100], inside[110];

  (void) state;
  (void) snprintf(path, sizeof path, "%s/client.json", w->p->dir);
  (void) snprintf(inside, sizeof inside, "%s/inside", path);
  assert_int_equal(remove(path), 0);
  assert_int_equal(mkdir(path, 0700), 0); /* which no file takes the place of */
  assert_int_equal(mkdir(inside, 0700), 0);
  knock(w, AIOBLE_EIO);
  assert_int_equal(w->opened, 0);
  assert_int_equal(remove(inside), 0);
  assert_int_equal(remove(path), 0);
  knock(w, 0);
  assert_int_equal(w->opened, 1);
  assert_int_equal(last_counter(w), 0);
  world_free(w);
}

/* ---- memory ---- */

static void without_memory_it_is_sent_whole_or_not_at_all(void **state) {
  world *w = bonded();
  unsigned failed = 0;

  (void) state;
  for (size_t i = 1; i < 12; i++) {
    aioble_op_t *op;
    unsigned opened = w->opened;
    int status;

    w->p->s.fail_at = w->p->s.allocations + i;
    op = aioble_client_char_write(w->at_client, "open", 4, AIOBLE_WRITE_SIGNED);
    status = aioble_op_await(op);
    aioble_op_unref(op);
    sim_run_ms(&w->p->s, 20);
    w->p->s.fail_at = 0;
    assert_true(status == 0 || status == AIOBLE_ENOMEM || status == AIOBLE_EIO);
    assert_true(w->opened <= opened + (status == 0));
    failed += status < 0;
    knock(w, 0);
    assert_int_equal(sim_stats(w->p->server).signatures_replayed, 0);
  }
  assert_true(failed > 0 && w->opened >= 11);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signed_write_is_one_and_says_so),
      cmocka_unit_test(a_repeated_one_is_refused_and_counted),
      cmocka_unit_test(the_longest_fits_one_more_does_not),
      cmocka_unit_test(on_an_encrypted_link_it_is_a_plain_one),
      cmocka_unit_test(a_stranger_cannot_sign),
      cmocka_unit_test(the_peripheral_signs_as_well),
      cmocka_unit_test(a_peer_in_hiding_signs_as_well),
      cmocka_unit_test(another_connect_encrypts_the_link),
      cmocka_unit_test(counters_outlive_a_restart_of_either),
      cmocka_unit_test(our_counters_are_on_the_disk_before_they_are_on_the_air),
      cmocka_unit_test(the_peers_are_on_the_disk_soon),
      cmocka_unit_test(without_a_place_to_count_nothing_is_signed),
      cmocka_unit_test(without_memory_it_is_sent_whole_or_not_at_all),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
