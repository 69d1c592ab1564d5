#!/bin/bash
# SPDX-License-Identifier: MIT
# The controllers are those of aioble-radio, and the kernel's own host uses both: it pairs with
# itself, and L2CAP channels carry data both ways over encrypted links. l2test checks what it
# receives, the octets and their order.
# shellcheck disable=SC2034 # for lib.sh
radio=''
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

# manage INDEX COMMAND REGEX: gives a btmgmt a command.
manage() {
  ask "btmgmt$1" "$2" "$3"
}

power_on() {
  dialog background "btmgmt$1" btmgmt --index "$1"
  manage "$1" 'power off' 'Set Powered complete'
  manage "$1" 'sc on' 'Set Secure Connections complete'
  manage "$1" 'bondable on' 'Set Bondable complete'
  manage "$1" 'connectable on' 'Set Connectable complete'
  manage "$1" 'io-cap 1' 'successfully set'
  manage "$1" 'power on' 'Set Powered complete'
}

# The number that a side asks its user to compare.
number() {
  sed -n 's/.*User Confirm \([0-9]*\) .*/\1/p' "$out/btmgmt$1.log"
}

pair() {
  manage 1 'advertising on' 'Set Advertising complete'
  manage 0 "pair -c 1 -t 1 $hci1" 'User Confirm'
  expect btmgmt1 'User Confirm' 5
  [ "$(number 0)" = "$(number 1)" ] || fail "the sides show different numbers"
  manage 1 yes 'User Confirm Reply successful'
  manage 0 yes 'Paired with'
  manage 0 "disconnect -t 1 $hci1" 'disconnected with reason'
  expect btmgmt1 'disconnected with reason' 5
}

encrypted() {
  hcitool -i hci0 con | grep -w ENCRYPT
}

# all_here NAME: what l2test has received is all that was sent, and it had nothing to say against it
all_here() {
  [ "$(grep -c '400 bytes in' "$out/$1.log")" = 40 ]
}

unlinked() {
  ! hcitool -i hci0 con | grep LE
}

# transfer LISTENER-MODE CALLER-MODE RECEIVER: 40 SDUs. The channel makes the link, and has it
# encrypted with the keys of the pairing (-E). The two ends are not taken away at one moment: this
# kernel can panic when both close a channel of one link.
transfer() {
  local l2test=(l2test -V le_public -P 129 -b 400 -I 400 -N 40 -g 20000)

  background listener "${l2test[@]}" -i hci1 "$1"
  expect listener 'Waiting for connection' 5
  background caller "${l2test[@]}" -i hci0 -E "$2" "$hci1"
  within 10 encrypted || fail "the link is not encrypted"
  within 20 all_here "$3" || fail "of 40 SDUs there are $(grep -c '400 bytes in' "$out/$3.log")"
  if grep -E 'missmatch|invalid' "$out/$3.log"; then fail "not what was sent"; fi
  stop "${pids[caller]}"
  within 5 unlinked || fail "there is still a link"
  stop "${pids[listener]}"
}

plug_in
power_on 0
power_on 1
pair
transfer -r -s listener
transfer -w -u caller
