/* SPDX-License-Identifier: MIT */
/*
 * The cryptographic functions of the Security Manager (Core Vol 3, Part H, 2.2). All values are as
 * they go over the air, least significant octet first. Each returns false when there was no memory
 * (or the library below failed), with the result zero.
 */
#ifndef AB_SMP_BACKEND_H
#define AB_SMP_BACKEND_H

#include "crypto/crypto.h"
#include "util/wire.h"

enum { AB_SMP_PASSKEYS = 1000000, AB_SMP_MAC = 8 };

/* 2.2.3; preq and pres are the whole commands, of 7 octets */
bool ab_smp_c1(const ab_key16 *k, const ab_key16 *r, const uint8_t preq[7], const uint8_t pres[7],
               const aioble_addr_t *initiator, const aioble_addr_t *responder, ab_key16 *out);
/* 2.2.4 */
bool ab_smp_s1(const ab_key16 *k, const ab_key16 *r1, const ab_key16 *r2, ab_key16 *out);
/* 2.2.2, with a key that is prepared once for as many as there are; NULL, for no memory, fails */
ab_aes *ab_smp_ah_key(const ab_key16 *irk);
bool ab_smp_ah(ab_aes *key, const uint8_t prand[3], uint8_t hash[3]);
/* 2.2.6; u and v are X coordinates */
bool ab_smp_f4(ab_env *env, const uint8_t u[32], const uint8_t v[32], const ab_key16 *x, uint8_t z,
               ab_key16 *out);
/* 2.2.7 */
bool ab_smp_f5(ab_env *env, const uint8_t dhkey[32], const ab_key16 *n1, const ab_key16 *n2,
               const aioble_addr_t *a1, const aioble_addr_t *a2, ab_key16 *mac_key, ab_key16 *ltk);
/* 2.2.8; iocap: IO capability, OOB flag, AuthReq */
bool ab_smp_f6(ab_env *env, const ab_key16 *w, const ab_key16 *n1, const ab_key16 *n2,
               const ab_key16 *r, const uint8_t iocap[3], const aioble_addr_t *a1,
               const aioble_addr_t *a2, ab_key16 *out);
/* 2.2.9; the six digits that are shown */
bool ab_smp_g2(ab_env *env, const uint8_t u[32], const uint8_t v[32], const ab_key16 *x,
               const ab_key16 *y, uint32_t *digits);
/* 2.2.10; key_id as text is written: "lebr" */
bool ab_smp_h6(ab_env *env, const ab_key16 *w, const char key_id[4], ab_key16 *out);
/* 2.2.11 */
bool ab_smp_h7(ab_env *env, const ab_key16 *salt, const ab_key16 *w, ab_key16 *out);

/* 2.4.5: of data that are an opcode and what is behind it, and of a SignCounter */
bool ab_smp_mac(ab_env *env, const ab_key16 *csrk, uint8_t opcode, const uint8_t *data, size_t len,
                uint32_t counter, uint8_t mac[AB_SMP_MAC]);

/* 2.3.5.6.1: the private key that everybody knows */
bool ab_smp_is_debug_key(const ab_p256_point *point);

#endif
