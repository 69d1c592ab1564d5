/* SPDX-License-Identifier: MIT */
/* Key pairs and shared secrets on P-256 (Core Vol 2, Part H, 7.6; Vol 3, Part H, 2.3.5.6.1). */
#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

enum { LEN = 32, TRIES = 8 };

typedef struct curve {
  EC_GROUP *group;
  EC_POINT *point, *product;
  BIGNUM *secret, *x, *y;
} curve;

static void end(curve *c) {
  EC_POINT_free(c->point);
  EC_POINT_clear_free(c->product);
  EC_GROUP_free(c->group);
  BN_clear_free(c->secret);
  BN_clear_free(c->x);
  BN_clear_free(c->y);
}

/* false: out of memory, or the secret is not in 1 to n - 1 */
static bool begin(curve *c, const uint8_t secret[LEN]) {
  *c = (curve){.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  if (!c->group)
    return false;
  c->point = EC_POINT_new(c->group);
  c->product = EC_POINT_new(c->group);
  c->secret = BN_lebin2bn(secret, LEN, NULL);
  c->x = BN_new();
  c->y = BN_new();
  return c->point && c->product && c->secret && c->x && c->y && !BN_is_zero(c->secret) &&
         BN_cmp(c->secret, EC_GROUP_get0_order(c->group)) < 0;
}

static bool read_product(curve *c) {
  return EC_POINT_get_affine_coordinates(c->group, c->product, c->x, c->y, NULL) == 1;
}

static bool write(const BIGNUM *n, uint8_t out[LEN]) {
  return BN_bn2lebinpad(n, out, LEN) == LEN;
}

bool ab_p256_pair_of(const uint8_t secret[32], ab_p256_pair *pair) {
  curve c;
  bool ok = begin(&c, secret) &&
            EC_POINT_mul(c.group, c.product, c.secret, NULL, NULL, NULL) == 1 && read_product(&c) &&
            write(c.secret, pair->secret) && write(c.x, pair->point.x) && write(c.y, pair->point.y);

  end(&c);
  return ok;
}

bool ab_p256_pair_new(ab_env *env, ab_p256_pair *pair) {
  uint8_t secret[LEN];
  bool ok = false;

  for (unsigned i = 0; !ok && i < TRIES && ab_random(env, secret, sizeof secret) == 0; i++)
    ok = ab_p256_pair_of(secret, pair);
  ab_wipe(secret, sizeof secret);
  return ok;
}

bool ab_p256_shared(const uint8_t secret[32], const ab_p256_point *peer, uint8_t shared[32]) {
  curve c;
  /* setting the coordinates fails for a point that is not on the curve */
  bool ok = begin(&c, secret) && BN_lebin2bn(peer->x, LEN, c.x) && BN_lebin2bn(peer->y, LEN, c.y) &&
            EC_POINT_set_affine_coordinates(c.group, c.point, c.x, c.y, NULL) == 1 &&
            EC_POINT_is_on_curve(c.group, c.point, NULL) == 1 &&
            EC_POINT_mul(c.group, c.product, NULL, c.point, c.secret, NULL) == 1 &&
            read_product(&c) && write(c.x, shared);

  end(&c);
  return ok;
}
