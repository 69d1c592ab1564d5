/* SPDX-License-Identifier: MIT */
/* AES-CMAC (RFC 4493; Core Vol 3, Part H, 2.2.5). */
#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

struct ab_cmac {
  ab_env *env;
  EVP_MAC_CTX *ctx; /* NULL: could not be had */
  bool ok;
};

static EVP_MAC_CTX *begin(const uint8_t key[16]) {
  char cipher[] = "AES-128-CBC";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
      OSSL_PARAM_construct_end(),
  };
  EVP_MAC *algorithm = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_CMAC, NULL);
  EVP_MAC_CTX *ctx = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;

  EVP_MAC_free(algorithm); /* the context keeps it */
  if (ctx && EVP_MAC_init(ctx, key, 16, params) == 1)
    return ctx;
  EVP_MAC_CTX_free(ctx);
  return NULL;
}

ab_cmac *ab_cmac_new(ab_env *env, const uint8_t key[16]) {
  ab_cmac *cmac = ab_alloc(env, sizeof *cmac);

  if (!cmac)
    return NULL;
  *cmac = (ab_cmac){.env = env, .ctx = begin(key)};
  cmac->ok = cmac->ctx != NULL;
  return cmac;
}

void ab_cmac_add(ab_cmac *cmac, const void *data, size_t len) {
  if (cmac && cmac->ok)
    cmac->ok = EVP_MAC_update(cmac->ctx, data, len) == 1;
}

bool ab_cmac_end(ab_cmac *cmac, uint8_t mac[16]) {
  uint8_t out[16];
  size_t len = 0;
  bool ok;

  if (!cmac)
    return false;
  ok = cmac->ok && EVP_MAC_final(cmac->ctx, out, &len, sizeof out) == 1 && len == sizeof out;
  if (ok)
    memcpy(mac, out, sizeof out);
  EVP_MAC_CTX_free(cmac->ctx);
  ab_free(cmac->env, cmac);
  return ok;
}
