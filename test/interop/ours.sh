#!/bin/bash
# SPDX-License-Identifier: MIT
# Both sides are ours, each on a user channel: what the demo shows, through the kernel.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
start temp_sensor hci1 temp_sensor
start temp_client hci0 temp_client
succeeds temp_client 30
