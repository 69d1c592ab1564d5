/* SPDX-License-Identifier: MIT */
/*
 * A hostile peripheral: a whole stack that is a central with a client that explores, channels and a
 * policy of pairing, against any frames on ATT, signalling, the Security Manager and channels,
 * mixed with those of a genuine peripheral.
 */
#include "stack_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  peer_attack(bytes, len, true);
  return 0;
}
