#!/bin/bash
# SPDX-License-Identifier: MIT
# We are the peripheral: bluetoothctl finds our temp_sensor, connects, discovers, reads and is
# notified; then gatttool, with an ATT client of its own, does.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

temperature=00002a6e-0000-1000-8000-00805f9b34fb

# The kernel forgets what it hears before it has told everybody that it scans, and of btvirt it
# would hear nothing more: so we advertise after that.
discover() {
  say 'scan le' 'Discovering: yes'
  start temp_sensor hci0 temp_sensor
  expect bluetoothctl "Device $hci0 .*aioble-temp" 10
  say 'scan off' 'Discovery stopped'
}

with_bluetoothctl() {
  say "connect $hci0" 'ServicesResolved: yes' 20
  say "gatt.list-attributes $hci0" "$temperature"
  say "gatt.select-attribute $temperature" .
  say 'gatt.read' 'Value:'
  say 'gatt.notify on' 'Notify started(.*Value:){3}' 10
  say 'gatt.notify off' 'Notify stopped'
  say "disconnect $hci0" 'Successful disconnected'
}

with_gatttool() {
  local handle

  gatttool -i hci1 -b "$hci0" --primary | grep 0000181a
  handle=$(gatttool -i hci1 -b "$hci0" --characteristics | sed -n "s/.*value handle = \(0x....\), uuid = $temperature/\1/p")
  gatttool -i hci1 -b "$hci0" --char-read -a "$handle" | grep 'value/descriptor: '
}

plug_in
start_bluetoothd 517
discover
with_bluetoothctl
with_gatttool
