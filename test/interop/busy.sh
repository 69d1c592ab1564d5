#!/bin/bash
# SPDX-License-Identifier: MIT
# An adapter that is up belongs to the kernel: the error says so and what to do, and without a name
# the next one is taken. Brought down, it works.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
hciconfig hci0 up
start scan-up hci0 scan
fails scan-up 5 'hci0 is up.*bring it down'
background scan-first "$build/examples/scan" --ms 300
succeeds scan-first 5
hciconfig hci0 down
start scan-down hci0 scan --ms 300
succeeds scan-down 5
