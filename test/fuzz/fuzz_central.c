/* SPDX-License-Identifier: MIT */
/*
 * A hostile central: a whole stack that is a peripheral with a server, channels and a policy of
 * pairing, against any frames on ATT, signalling, the Security Manager and channels, mixed with
 * those of a genuine central.
 */
#include "stack_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  peer_attack(bytes, len, false);
  return 0;
}
