#!/bin/bash
# SPDX-License-Identifier: MIT
# The adapters are unplugged while our programs scan, advertise and are connected: all of them end at
# once and say why. Plugged in again they work again.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

lost='hci[01] is gone: unplugged'

plug_in
start scan hci0 scan --ms 60000
start advertise hci1 advertise
expect scan "${hci1,,}" 10
unplug
fails scan 2 "$lost"
fails advertise 2 "$lost"

plug_in
start temp_sensor hci1 temp_sensor
start temp_client hci0 temp_client
expect temp_client 'notif' 15
unplug
fails temp_client 2 'not connected'
fails temp_sensor 2 "$lost"

plug_in
start scan-again hci0 scan --ms 300
succeeds scan-again 5
