/* SPDX-License-Identifier: MIT */
/*
 * AES-128 blocks and P-256, by libcrypto. HCI has its numbers least significant octet first, the
 * algorithms have them the other way round; the turning happens here.
 */
#include "virtual/vr_priv.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

struct vr_aes {
  EVP_CIPHER_CTX *ctx;
};

static void turned(uint8_t *out, const uint8_t *in, size_t n) {
  for (size_t i = 0; i < n; i++)
    out[i] = in[n - 1 - i];
}

vr_aes *vr_aes_new(vr_radio *r, const ab_key16 *key) {
  vr_aes *aes = ab_zalloc(&r->env, sizeof *aes);
  ab_key16 k;

  if (!aes)
    return NULL;
  turned(k.b, key->b, sizeof k.b);
  aes->ctx = EVP_CIPHER_CTX_new();
  if (!aes->ctx || !EVP_EncryptInit_ex(aes->ctx, EVP_aes_128_ecb(), NULL, k.b, NULL)) {
    vr_aes_free(r, aes);
    return NULL;
  }
  EVP_CIPHER_CTX_set_padding(aes->ctx, 0);
  return aes;
}

void vr_aes_free(vr_radio *r, vr_aes *aes) {
  if (!aes)
    return;
  EVP_CIPHER_CTX_free(aes->ctx);
  ab_free(&r->env, aes);
}

static bool block(vr_aes *aes, const uint8_t in[16], uint8_t out[16]) {
  int n;

  return EVP_EncryptUpdate(aes->ctx, out, &n, in, 16) == 1 && n == 16;
}

bool vr_aes_block(vr_aes *aes, const ab_key16 *in, ab_key16 *out) {
  uint8_t plain[16], cipher[16];

  turned(plain, in->b, sizeof plain);
  if (!block(aes, plain, cipher))
    return false;
  turned(out->b, cipher, sizeof cipher);
  return true;
}

bool vr_aes_ah(vr_aes *aes, const uint8_t prand[3], uint8_t hash[3]) {
  uint8_t plain[16] = {0}, cipher[16];

  memcpy(plain + 13, prand, 3);
  if (!block(aes, plain, cipher))
    return false;
  memcpy(hash, cipher + 13, 3);
  return true;
}

/* ---- P-256 ---- */

typedef struct curve {
  EC_GROUP *group;
  EC_POINT *point, *product;
  BIGNUM *k, *x, *y;
} curve;

static void curve_free(curve *c) {
  EC_POINT_free(c->point);
  EC_POINT_free(c->product);
  EC_GROUP_free(c->group);
  BN_clear_free(c->k);
  BN_free(c->x);
  BN_free(c->y);
}

static bool curve_init(curve *c, const uint8_t private_key[32]) {
  *c = (curve){.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  if (!c->group)
    return false;
  c->point = EC_POINT_new(c->group);
  c->product = EC_POINT_new(c->group);
  c->k = BN_bin2bn(private_key, 32, NULL);
  c->x = BN_new();
  c->y = BN_new();
  return c->point && c->product && c->k && c->x && c->y && !BN_is_zero(c->k) &&
         BN_cmp(c->k, EC_GROUP_get0_order(c->group)) < 0;
}

bool vr_p256_public(const uint8_t private_key[32], vr_p256_point *point) {
  curve c;
  bool ok = curve_init(&c, private_key) &&
            EC_POINT_mul(c.group, c.product, c.k, NULL, NULL, NULL) == 1 &&
            EC_POINT_get_affine_coordinates(c.group, c.product, c.x, c.y, NULL) == 1 &&
            BN_bn2lebinpad(c.x, point->b, 32) == 32 && BN_bn2lebinpad(c.y, point->b + 32, 32) == 32;

  curve_free(&c);
  return ok;
}

bool vr_p256_shared(const uint8_t private_key[32], const vr_p256_point *peer, uint8_t shared[32]) {
  curve c;
  bool ok = curve_init(&c, private_key) && BN_lebin2bn(peer->b, 32, c.x) &&
            BN_lebin2bn(peer->b + 32, 32, c.y) &&
            EC_POINT_set_affine_coordinates(c.group, c.point, c.x, c.y, NULL) == 1 &&
            EC_POINT_mul(c.group, c.product, NULL, c.point, c.k, NULL) == 1 &&
            EC_POINT_get_affine_coordinates(c.group, c.product, c.x, NULL, NULL) == 1 &&
            BN_bn2lebinpad(c.x, shared, 32) == 32;

  curve_free(&c);
  return ok;
}
