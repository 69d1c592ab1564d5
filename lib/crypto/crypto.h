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

#endif
