#!/bin/bash
# SPDX-License-Identifier: MIT
# A user without any privilege is given an open user channel by a small helper that has them.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
start temp_sensor hci1 temp_sensor
background temp_client "$build/test/interop/open_channel" 0 setpriv --reuid nobody --clear-groups \
  "$build/examples/temp_client" --adapter fd:3 --count 3
succeeds temp_client 20
