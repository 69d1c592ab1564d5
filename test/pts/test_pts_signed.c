/* SPDX-License-Identifier: MIT */
/*
 * The qualification cases of signed writes, of GATT (GAW) and of the Security Manager (SIGN), as
 * PDU scripts with a key that is known to both: 10 to 1f, as it goes over the air. The signatures
 * were computed by other means.
 */
#include "helpers/gatt_bed.h"
#include "helpers/hex.h"

#include "gatt/gatt_client.h"
#include "smp/smp.h"
#include <aioble/server.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "101112131415161718191a1b1c1d1e1f"

enum { VALUE_MAX = 8 };

typedef struct bed {
  gatt_bed *gatt;
  bed_value *door, *plain, *secured; /* 0012, 0014, 0016 */
  ab_gatt_client client;
  ab_smp_stack stack;
  ab_smp smp;
  ab_bond *bond;
} bed;

static bed *now; /* there is one at a time */

static uint8_t verify(ab_gatt_server_link *link, uint8_t opcode, const uint8_t *data, size_t len) {
  assert_ptr_equal(link, &now->gatt->link);
  return (uint8_t) ab_smp_verify(&now->smp, opcode, data, len);
}

static int sign(ab_gatt_client *client, ab_buf *pdu) {
  assert_ptr_equal(client, &now->client);
  return ab_smp_sign(&now->smp, pdu);
}

static void make_table(bed *b) {
  bed_service(b->gatt, "181a");
  b->door = bed_char(b->gatt, "2a6e", AIOBLE_READ | AIOBLE_SIGNED_WRITE, "01");
  b->plain = bed_char(b->gatt, "2a6f", AIOBLE_READ | AIOBLE_WRITE | AIOBLE_WRITE_NO_RSP, "02");
  b->secured = bed_char(b->gatt, "2a6d", AIOBLE_READ | AIOBLE_SIGNED_WRITE, "03");
  b->door->value.max_len = VALUE_MAX;
  b->secured->value.write_level = AB_GATT_LEVEL_ENCRYPTED;
  bed_install(b->gatt);
}

static void make_bond(bed *b) {
  static const aioble_addr_t own = {0, {1}}, peer = {0, {2}};

  ab_smp_stack_init(&b->stack, b->gatt->env, &b->gatt->peer->bufs);
  ab_smp_open(&b->smp, &b->stack, NULL, NULL, true, &own, &peer);
  b->bond = ab_smp_bond_new(&b->stack);
  assert_non_null(b->bond);
  b->bond->addr = peer;
  b->bond->has_csrk = b->bond->has_local_csrk = true;
  assert_int_equal(hex_read(KEY, b->bond->csrk.b, 16), 16);
  b->bond->local_csrk = b->bond->csrk;
  assert_int_equal(ab_smp_bond_add(&b->stack, b->bond), 0);
}

static int set_up(void **state) {
  bed *b = calloc(1, sizeof *b);

  assert_non_null(b);
  b->gatt = gatt_bed_new();
  b->gatt->server.verify = verify;
  make_table(b);
  make_bond(b);
  ab_gatt_client_init(&b->client, &b->gatt->peer->att);
  b->client.sign = sign;
  *state = now = b;
  return 0;
}

static int tear_down(void **state) {
  bed *b = *state;

  ab_gatt_client_close(&b->client, AIOBLE_ENOTCONN);
  ab_smp_stack_close(&b->stack);
  gatt_bed_free(b->gatt);
  free(b);
  return 0;
}

/* accepted and ignored so far */
static void expect_counts(const bed *b, unsigned writes, unsigned refused, unsigned replayed) {
  assert_int_equal(b->door->writes, writes);
  assert_int_equal(b->door->commands, b->door->checks);
  assert_int_equal(b->stack.signatures_refused, refused);
  assert_int_equal(b->stack.signatures_replayed, replayed);
}

#define SC0 "d2 12 00 0a 0b 00 00 00 00 38 a0 2d b2 3d d4 c0 16"
#define SC1 "d2 12 00 0a 0c 01 00 00 00 35 38 94 4d 0f 7d 82 8a"

/* ---- the server ---- */

static void server_takes_what_is_signed(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> " SC0 "\n");
  bed_expect(b->door, "0a 0b");
  expect_counts(b, 1, 0, 0);
  bed_play(b->gatt, "> " SC1 "\n"
                    "> 0a 12 00\n"
                    "< 0b 0a 0c\n");
  expect_counts(b, 2, 0, 0);
}

static void server_ignores_what_is_not(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> d2 12 00 0a 0b 00 00 00 00 38 a0 2d b2 3d d4 c0 17\n"
                    "> d2 12 00 0a 0b 01 00 00 00 38 a0 2d b2 3d d4 c0 16\n"
                    "> d2 14 00 0a 0b 00 00 00 00 38 a0 2d b2 3d d4 c0 16\n"
                    "> d2 12 00 0a 0b 00 00 00 00 00 00 00 00 00 00 00 00\n");
  bed_expect(b->door, "01");
  bed_expect(b->plain, "02");
  expect_counts(b, 0, 4, 0);
  bed_play(b->gatt, "> " SC0 "\n");
  expect_counts(b, 1, 4, 0);
}

static void server_ignores_what_it_has_had(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> " SC0 "\n> " SC0 "\n> " SC0 "\n> " SC1 "\n> " SC0 "\n");
  bed_expect(b->door, "0a 0c");
  expect_counts(b, 2, 0, 3);
}

/* of the PDU: 13 octets behind the opcode, 14, 15; of the value: the longest, one more */
static void server_judges_the_length(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> d2\n"
                    "> d2 12 00 00 00 00 00 c2 ad 90 19 e1 b1 89\n");
  assert_int_equal(b->gatt->peer->att.malformed, 2);
  expect_counts(b, 0, 0, 0);
  bed_play(b->gatt, "> d2 12 00 00 00 00 00 c2 ad 90 19 e1 b1 89 41\n");
  bed_expect(b->door, "");
  expect_counts(b, 1, 0, 0);
  bed_play(b->gatt, "> d2 12 00 55*8 02 00 00 00 2a 98 d4 fb 31 3b 70 f2\n"
                    "> d2 12 00 55*9 03 00 00 00 70 ca 51 59 b8 2a da ea\n");
  bed_expect(b->door, "55 55 55 55 55 55 55 55");
  expect_counts(b, 2, 0, 0);
}

/* verified, so its counter is used; but there is nothing to write, or not by a signature */
static void server_has_rules_beside_the_signature(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> d2 34 12 04 00 00 00 06 28 0c e0 9e 81 d1 1e\n"
                    "> " SC0 "\n"
                    "> d2 16 00 aa 05 00 00 00 cf 6d d7 32 c5 cd 95 92\n");
  bed_expect(b->door, "01");
  bed_expect(b->secured, "03");
  expect_counts(b, 0, 0, 1);
  b->gatt->server.verify = NULL;
  bed_play(b->gatt, "> d2 12 00 66*20 ff ff ff ff fd 78 c4 db ae 9a 0e a0\n");
  expect_counts(b, 0, 0, 1);
}

/* another property is another way to write; the plain one will do where the link is encrypted */
static void server_takes_it_unsigned_over_an_encrypted_link(void **state) {
  bed *b = *state;

  bed_play(b->gatt, "> 52 12 00 77\n"
                    "> 12 12 00 77\n"
                    "< 01 12 12 00 03\n");
  bed_expect(b->door, "01");
  ab_gatt_server_link_security(&b->gatt->link, (ab_gatt_security){1, 16, true});
  bed_play(b->gatt, "> 52 12 00 77\n"
                    "> 12 12 00 78\n"
                    "< 01 12 12 00 03\n");
  bed_expect(b->door, "77");
  expect_counts(b, 1, 0, 0);
}

static void server_takes_none_on_an_enhanced_bearer(void **state) {
  bed *b = *state;

  b->gatt->peer->att.enhanced = true;
  bed_play(b->gatt, "> " SC0 "\n");
  b->gatt->peer->att.enhanced = false;
  assert_int_equal(b->gatt->peer->att.malformed, 1);
  expect_counts(b, 0, 0, 0);
  assert_int_equal(b->bond->peer_counter, 0);
}

/* ---- the client ---- */

static void on_taken(ab_buf *buf, int status) {
  unsigned *taken = buf->ctx;

  assert_int_equal(status, 0);
  ++*taken;
}

static void client_signs(void **state) {
  bed *b = *state;
  unsigned taken = 0;

  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(ab_gatt_write_signed(&b->client, 3, "\1\2", 2, on_taken, &taken), 0);
  bed_play(b->gatt, "< d2 03 00 01 02 00 00 00 00 52 8f f9 ea 8f 17 6d d2\n"
                    "< d2 03 00 01 02 01 00 00 00 cf ce a1 e8 22 f7 ec 84\n");
  assert_int_equal(taken, 2);
}

/* at the least MTU: 8 octets, one more */
static void client_judges_the_length(void **state) {
  bed *b = *state;
  unsigned taken = 0;

  assert_int_equal(ab_gatt_write_signed(&b->client, 3, "aaaaaaaaa", 9, on_taken, &taken),
                   AIOBLE_EMSGSIZE);
  assert_int_equal(b->bond->counter, 0);
  assert_int_equal(ab_gatt_write_signed(&b->client, 3, "aaaaaaaa", 8, on_taken, &taken), 0);
  bed_play(b->gatt, "< d2 03 00 61*8 00 00 00 00 1a ee ff 38 51 9e e2 8f\n");
  assert_int_equal(taken, 1);
}

static void client_cannot_without_a_key(void **state) {
  bed *b = *state;
  unsigned taken = 0;

  b->bond->has_local_csrk = false;
  assert_int_equal(ab_gatt_write_signed(&b->client, 3, "\1\2", 2, on_taken, &taken), AIOBLE_ENOENT);
  b->bond->has_local_csrk = true;
  ab_att_close(&b->gatt->peer->att, AIOBLE_ENOTCONN);
  assert_int_equal(ab_gatt_write_signed(&b->client, 3, "\1\2", 2, on_taken, &taken),
                   AIOBLE_ENOTCONN);
  assert_int_equal(taken, 0);
  assert_int_equal(b->bond->counter, 0);
}

#define CASE(name, test) \
  { name, test, set_up, tear_down, NULL }

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE("GATT/SR/GAW/BV-02-C, SM/SIGN/BV-03-C", server_takes_what_is_signed),
      CASE("GATT/SR/GAW/BI-01-C, SM/SIGN/BI-01-C", server_ignores_what_is_not),
      CASE("SM/SIGN/BI-02-C the same SignCounter", server_ignores_what_it_has_had),
      CASE("GATT/SR/GAW/BI-01-C … lengths", server_judges_the_length),
      CASE("GATT/SR/GAW/BI-01-C … permissions", server_has_rules_beside_the_signature),
      CASE("GATT/SR/GAW/BV-02-C … encrypted", server_takes_it_unsigned_over_an_encrypted_link),
      CASE("GATT/SR/GAW/BV-02-C … EATT", server_takes_none_on_an_enhanced_bearer),
      CASE("GATT/CL/GAW/BV-02-C, SM/SIGN/BV-01-C", client_signs),
      CASE("GATT/CL/GAW/BV-02-C … lengths", client_judges_the_length),
      CASE("GATT/CL/GAW/BV-02-C … no key", client_cannot_without_a_key),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
