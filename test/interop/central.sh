#!/bin/bash
# SPDX-License-Identifier: MIT
# We are the central. bluetoothd advertises two GATT services that bluetoothctl registered; our
# programs scan, connect, discover, read, write and are notified.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

custom=12345678-1234-5678-1234-56789abcdef

register() {
  say 'gatt.register-service 0x181a' 'yes/no'
  say yes .
  say 'gatt.register-characteristic 0x2a6e read,notify' 'Enter value'
  say '0x34 0x08' .
  say "gatt.register-service ${custom}0" 'yes/no'
  say yes .
  say "gatt.register-characteristic ${custom}1 read,write,notify" 'Enter value'
  say '0x48 0x69 0x21' .
  say "gatt.register-characteristic ${custom}2 indicate" 'Enter value'
  say '0x00 0x00' .
  say "gatt.register-characteristic ${custom}3 read,write" 'Enter value'
  say "$(spaced "$(octets 508 0)" 0x)" .
  say 'gatt.register-descriptor 0x2901 read,write' 'Enter value'
  say '0x6e 0x6f 0x74 0x65' .
  say 'gatt.register-application' 'Application registered'
}

advertise() {
  say 'advertise.uuids 0x181a' .
  say 'advertise.name peer' .
  say 'advertise on' 'Advertising object registered'
}

# bluetoothctl's name on the bus: the one whose process it is.
bus_name() {
  local bus=org.freedesktop.DBus owner

  for owner in $(call $bus / $bus.ListNames | grep -o ':1\.[0-9]*'); do
    if call $bus / $bus.GetConnectionUnixProcessID "$owner" | grep -q "uint32 ${pids[bluetoothctl]},"; then
      echo "$owner"
    fi
  done
}

# change ATTRIBUTE VALUE: changes a characteristic that was registered. bluetoothctl has no command
# for that, but takes a write from anybody on the bus; bluetoothd then notifies or indicates.
change() {
  call "$owner" "/org/bluez/app/$1" org.bluez.GattCharacteristic1.WriteValue "@ay $2" \
    "{'device': <objectpath '/org/bluez/hci1/dev_${hci0//:/_}'>, 'link': <'LE'>}"
}

plug_in
start_bluetoothd "${mtu:-64}"
owner=$(bus_name)
register
advertise

start scan hci0 scan --ms 3000
succeeds scan 10
expect scan "${hci1,,}" 0
expect scan peer 0

start explore hci0 explore "$hci1"
succeeds explore 15
expect explore "${custom}1" 0
expect explore '48 69 21 .Hi!' 0
expect explore 'descriptor 2901 6e 6f 74 65' 0

start peer_central hci0 peer_central "$hci1"
expect peer_central "long $(octets 508 0)\." 15
expect peer_central subscribed 15
for n in 1 2 3; do change service1/chrc0 "[0x6e, 0x3$n]"; done
change service1/chrc1 "[0x69, 0x31]"
succeeds peer_central 5
expect bluetoothctl '79 65 73' 0
expect bluetoothctl 'indication confirm received' 0

start temp_client hci0 temp_client --count 3
expect bluetoothctl 'service0/chrc0 Notify sock acquired' 15
for n in 3 4 5; do change service0/chrc0 "[0x3$n, 0x08]"; done
succeeds temp_client 10
expect temp_client '20\.99.*21\.00.*21\.01' 0
