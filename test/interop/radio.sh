#!/bin/bash
# SPDX-License-Identifier: MIT
# The controllers are those of aioble-radio, and the kernel's own host uses both: it pairs with
# itself, and L2CAP channels carry data both ways over encrypted links. l2test checks what it
# receives, the octets and their order.
# shellcheck disable=SC2034 # for lib.sh
radio=''
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

declare -A input=()   # of the two btmgmt

open_btmgmt() {
  local fifo
  fifo=$(mktemp -u)

  mkfifo "$fifo"
  exec {fd}<>"$fifo"
  input[$1]=$fd
  background "btmgmt$1" btmgmt --index "$1" <"$fifo"
}

# ask INDEX COMMAND REGEX: gives a btmgmt a command and waits for its answer.
ask() {
  local text
  text=$(<"$out/btmgmt$1.log")

  echo "$2" >&"${input[$1]}"
  expect "btmgmt$1" "$3" 10 "${#text}"
}

power_on() {
  open_btmgmt "$1"
  ask "$1" 'power off' 'Set Powered complete'
  ask "$1" 'sc on' 'Set Secure Connections complete'
  ask "$1" 'bondable on' 'Set Bondable complete'
  ask "$1" 'connectable on' 'Set Connectable complete'
  ask "$1" 'io-cap 1' 'successfully set'
  ask "$1" 'power on' 'Set Powered complete'
}

# The number that a side asks its user to compare.
number() {
  sed -n 's/.*User Confirm \([0-9]*\) .*/\1/p' "$out/btmgmt$1.log"
}

pair() {
  ask 1 'advertising on' 'Set Advertising complete'
  ask 0 "pair -c 1 -t 1 $hci1" 'User Confirm'
  expect btmgmt1 'User Confirm' 5
  [ "$(number 0)" = "$(number 1)" ] || fail "the sides show different numbers"
  ask 1 yes 'User Confirm Reply successful'
  ask 0 yes 'Paired with'
  ask 0 "disconnect -t 1 $hci1" 'disconnected with reason'
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
# encrypted with the keys of the pairing (-E).
transfer() {
  local l2test=(l2test -V le_public -P 0x81 -b 400 -I 400 -N 40 -g 20000)

  background listener "${l2test[@]}" -i hci1 "$1"
  expect listener 'Waiting for connection' 5
  background caller "${l2test[@]}" -i hci0 -E "$2" "$hci1"
  within 10 encrypted || fail "the link is not encrypted"
  within 20 all_here "$3" || fail "of 40 SDUs there are $(grep -c '400 bytes in' "$out/$3.log")"
  if grep -E 'missmatch|invalid' "$out/$3.log"; then fail "not what was sent"; fi
  stop "${pids[caller]}" "${pids[listener]}"
  within 5 unlinked || fail "there is still a link"
}

plug_in
power_on 0
power_on 1
pair
transfer -r -s listener
transfer -w -u caller
