#!/bin/bash
# SPDX-License-Identifier: MIT
# An adapter that is switched off by rfkill: the error says how to switch it on; then it works.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

plug_in
echo 1 | tee /sys/class/bluetooth/hci0/rfkill*/soft
start scan-blocked hci0 scan
fails scan-blocked 5 'hci0 is switched off by rfkill.*rfkill unblock'
echo 0 | tee /sys/class/bluetooth/hci0/rfkill*/soft
start scan-unblocked hci0 scan --ms 300
succeeds scan-unblocked 5
