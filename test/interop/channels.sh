#!/bin/bash
# SPDX-License-Identifier: MIT
# L2CAP channels with the kernel, which sends back what it gets, each side asking for some; our
# refusals and the kernel's. peer_channels.c tells it in order.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

kernel=$build/test/interop/kernel_channels
parameter=/sys/module/bluetooth/parameters/enable_ecred
link=${link:-central}   # what we are

power_on() {
  dialog background btmgmt btmgmt --index 1
  ask btmgmt 'connectable on' 'Set Connectable complete'
  ask btmgmt 'power on' 'Set Powered complete'
  if [ "$link" = central ]; then ask btmgmt 'advertising on' 'Set Advertising complete'; fi
}

# listener NAME ARGUMENT...
listener() {
  background "$1" "$kernel" listen "$hci1" "${@:2}"
  expect "$1" listening 5
}

# caller NAME ARGUMENT...
caller() {
  background "$1" "$kernel" call "$hci1" "$hci0" "${@:2}"
}

# refused NAME ARGUMENT...: the kernel asks for a channel and does not get it
refused() {
  caller "$@"
  fails "$1" 12 refused
}

run_peer() {
  if [ "$link" = central ]; then
    start peer hci0 peer_channels "$hci1"
  else
    start peer hci0 peer_channels
    within 5 test -s "$out/peer.btsnoop"
  fi
}

# The kernel has enhanced channels when it is told so.
echo Y >"$parameter"
plug_in
power_on
listener echo 0x81 le
listener encrypted 0x83 le 2
listener authenticated 0x84 le 3
listener enhanced 0x85 enhanced
run_peer
if [ "$link" = peripheral ]; then caller enhanced_ones 0x91 enhanced 3; fi
expect peer 'waiting for [13]' 20
# While it advertises, this kernel has no second use for a link that there is.
if [ "$link" = central ]; then
  ask btmgmt 'advertising off' 'Set Advertising complete'
  caller enhanced_ones 0x91 enhanced
fi
succeeds enhanced_ones 10
refused absent 0x92 le
caller two 0x91 le 2
succeeds two 10
expect peer 'waiting for none' 10
# As a peripheral the kernel does not give up when it cannot secure the link, for 40 s.
if [ "$link" = peripheral ]; then refused demanding 0x95 le; fi
stop "${pids[echo]}"
succeeds peer 10
echo N >"$parameter"
