/* SPDX-License-Identifier: MIT */
/*
 * The algorithms of the host, by libcrypto. Keys and results are as the algorithms have them, most
 * significant octet first; who sends one turns it round.
 */
#ifndef AB_CRYPTO_H
#define AB_CRYPTO_H

#include "util/env.h"

/*
 * AES-CMAC (RFC 4493) of a message that comes in parts. A failure sticks, and the end tells: NULL,
 * for no memory, may be added to and ended like any other.
 */
typedef struct ab_cmac ab_cmac;

ab_cmac *ab_cmac_new(ab_env *env, const uint8_t key[16]);
void ab_cmac_add(ab_cmac *cmac, const void *data, size_t len);
/* frees it; false: out of memory, or libcrypto failed, and mac is as it was */
bool ab_cmac_end(ab_cmac *cmac, uint8_t mac[16]);

/* AES-128 of one block (FIPS 197); false: libcrypto failed, and out is zero */
bool ab_aes128(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]);

/* … of many blocks with one key, in a tenth of the time. NULL, for no memory, fails. */
typedef struct evp_cipher_ctx_st ab_aes;

ab_aes *ab_aes_new(const uint8_t key[16]);
bool ab_aes_block(ab_aes *aes, const uint8_t in[16], uint8_t out[16]);
void ab_aes_free(ab_aes *aes); /* and wipes the key */

/* ---- the curve P-256 (FIPS 186-4); numbers least significant octet first, as they are sent ----
 */

typedef struct ab_p256_point {
  uint8_t x[32], y[32];
} ab_p256_point;

typedef struct ab_p256_pair {
  uint8_t secret[32];
  ab_p256_point point;
} ab_p256_pair;

/* the pair of that secret; false: it is no secret of the curve, or libcrypto failed */
bool ab_p256_pair_of(const uint8_t secret[32], ab_p256_pair *pair);
/* a new pair, of env's randomness; false: there is none, or libcrypto failed */
bool ab_p256_pair_new(ab_env *env, ab_p256_pair *pair);
/* X of the product of a secret and a peer's point; false: the point is not on the curve, or
   libcrypto failed */
bool ab_p256_shared(const uint8_t secret[32], const ab_p256_point *peer, uint8_t shared[32]);

/* ---- secrets ---- */

void ab_wipe(void *secret, size_t len);
/* takes as long for any contents */
bool ab_secret_equal(const void *a, const void *b, size_t len);

#endif
