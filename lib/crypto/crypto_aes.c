/* SPDX-License-Identifier: MIT */
/* Blocks of AES-128, and what every user of a secret needs. */
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

ab_aes *ab_aes_new(const uint8_t key[16]) {
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

  if (ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
      EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)
    return ctx;
  EVP_CIPHER_CTX_free(ctx);
  return NULL;
}

bool ab_aes_block(ab_aes *aes, const uint8_t in[16], uint8_t out[16]) {
  int n = 0;
  bool ok = aes && EVP_EncryptUpdate(aes, out, &n, in, 16) == 1 && n == 16;

  if (!ok)
    memset(out, 0, 16);
  return ok;
}

void ab_aes_free(ab_aes *aes) {
  EVP_CIPHER_CTX_free(aes);
}

bool ab_aes128(const uint8_t key[16], const uint8_t in[16], uint8_t out[16]) {
  ab_aes *aes = ab_aes_new(key);
  bool ok = ab_aes_block(aes, in, out);

  ab_aes_free(aes);
  return ok;
}

void ab_wipe(void *secret, size_t len) {
  OPENSSL_cleanse(secret, len);
}

bool ab_secret_equal(const void *a, const void *b, size_t len) {
  return CRYPTO_memcmp(a, b, len) == 0;
}
