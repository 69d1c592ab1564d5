#!/bin/bash
# SPDX-License-Identifier: MIT
# An adapter that is up belongs to the kernel: the error says so and what to do; then it works.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
hciconfig hci0 up
start scan-up hci0 scan --ms 300
fails scan-up 5 'hci0 is up.*bring it down'
hciconfig hci0 down
start scan-down hci0 scan --ms 300
succeeds scan-down 5
