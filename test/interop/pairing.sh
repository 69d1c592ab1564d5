#!/bin/bash
# SPDX-License-Identifier: MIT
# We pair with the kernel's Security Manager, whose user is bluetoothctl's agent, by each model; the
# next link is encrypted by the bond. Then attributes and l2test's channels demand security, on
# either side; then one side has lost its bond, and the other is told so.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

base=12345678-1234-5678-1234-56789abcde
kernel=$build/test/interop/kernel_channels
parameter=/sys/module/bluetooth/parameters/enable_ecred
link=${link:-central}   # what we are
sdus=20

us=ours                 # our program's name

# ours COMMAND REGEX: gives our program a command and waits for its answer.
ours() {
  tell "$us" "$1"
  hear "$us" "$2"
}

# theirs COMMAND REGEX: bluetoothctl
theirs() {
  tell bluetoothctl "$1"
  hear bluetoothctl "$2"
}

register() {
  theirs "gatt.register-service ${base}d0" 'yes/no'
  tell bluetoothctl yes
  theirs "gatt.register-characteristic ${base}d1 encrypt-read" 'Enter value'
  tell bluetoothctl '0x48 0x69 0x21'
  theirs "gatt.register-characteristic ${base}d2 encrypt-authenticated-read" 'Enter value'
  tell bluetoothctl '0x59 0x65 0x73'
  theirs gatt.register-application 'Application registered'
}

# run_ours NAME ARGUMENT...
run_ours() {
  us=$1
  dialog start "$us" hci0 peer_pair "${@:2}"
}

end_ours() {
  tell "$us" quit
  succeeds "$us" 5
}

# users OURS THEIRS: what the device of each has
users() {
  local mitm=true

  [ "$1" != none ] || mitm=false
  ours "config io $1" 'config: ok'
  ours "config mitm $mitm" 'config: ok'
  theirs 'agent off' 'Agent unregistered'
  theirs "agent $2" 'Agent registered'
  theirs default-agent 'Default agent request successful'
}

# --- links ------------------------------------------------------------------------------------

# link_up: one that has no bond. ConnectDevice needs no scan before.
link_up() {
  if [ "$link" = central ]; then
    ours "connect $hci1" 'connected: plain'
  else
    tell "$us" advertise
    call org.bluez /org/bluez/hci1 org.bluez.Adapter1.ConnectDevice \
      "{'Address': <'$hci0'>, 'AddressType': <'public'>}"
    hear "$us" 'connected: plain'
  fi
}

# link_again SECURITY: one that the bond encrypts
link_again() {
  if [ "$link" = central ]; then
    ours "connect $hci1" "connected: $1, bonded, key 16"
  else
    tell "$us" advertise
    theirs "connect $hci0" 'Connection successful'
    hear "$us" "security: $1, bonded, key 16"
  fi
}

link_down() {
  ours disconnect 'disconnected: '
  hear bluetoothctl 'Connected: no'
}

# --- pairing ----------------------------------------------------------------------------------

# agree MODEL: what the users do. The kernel's asks its own also when nothing is to be shown, if it
# was not that side which began.
agree() {
  local number

  case $1 in
    accept)
      [ "$link" = central ] || return 0
      hear bluetoothctl 'Accept pairing'
      tell bluetoothctl yes
      ;;
    compare)
      hear "$us" 'compare ([0-9]{6})'
      hear bluetoothctl "Confirm passkey ${BASH_REMATCH[1]}"
      tell bluetoothctl yes
      tell "$us" 'answer yes'
      ;;
    we_enter)
      hear "$us" enter
      hear bluetoothctl 'Passkey: [^[:space:]]*([0-9]{6})'
      tell "$us" "answer ${BASH_REMATCH[1]}"
      ;;
    they_enter)
      hear "$us" 'show ([0-9]{6})'
      number=${BASH_REMATCH[1]}
      hear bluetoothctl 'Enter passkey'
      tell bluetoothctl "$number"
      ;;
  esac
}

# pair MODEL [legacy]: the central begins; but for legacy pairing, which only we can be told to want,
# it is we who ask for it.
pair() {
  if [ "$link" = central ] || [ "${2:-}" = legacy ]; then
    tell "$us" "pair ${2:-}"
    agree "$1"
    hear "$us" 'pair: ok'
  else
    tell bluetoothctl "pair $hci0"
    agree "$1"
    hear "$us" 'bonded, key 16'
  fi
}

# read_again SECURITY: what that lets us read. (When bluetoothd connects, it asks the kernel for
# encryption, and does not find out what the key was worth.)
read_again() {
  ours "read ${base}d1" 'read: Hi!'
  if [ "$link" = central ] && [[ $1 = *authenticated* ]]; then
    ours "read ${base}d2" 'read: Yes'
  else
    ours "read ${base}d2" 'read: ATT: insufficient authentication'
  fi
}

# model NAME OURS THEIRS SECURITY [legacy]
model() {
  users "$2" "$3"
  link_up
  pair "$1" "${5:-}"
  link_down
  link_again "$4"
  read_again "$4"
  [ "$us" != eatt ] || within 5 enhanced || fail "there is no enhanced bearer"
  link_down
  ours "forget $hci1" 'forget: ok'
  theirs "remove $hci0" 'Device has been removed'
}

# enhanced: the link has more than one bearer of ATT.
enhanced() {
  ours bearers 'bearers: [0-9]'
  [[ ${BASH_REMATCH[0]} != *1 ]]
}

# The first with enhanced ATT, which bluetoothd has, too: each side may ask for the channels.
every_model() {
  run_ours eatt --eatt 2
  model accept none NoInputNoOutput 'encrypted, secure'
  end_ours
  run_ours ours
  model compare display-yesno DisplayYesNo 'encrypted, authenticated, secure'
  model we_enter keyboard DisplayOnly 'encrypted, authenticated, secure'
  model they_enter display KeyboardOnly 'encrypted, authenticated, secure'
  if [ "$link" = central ]; then
    model accept none NoInputNoOutput encrypted legacy
    model we_enter keyboard DisplayOnly 'encrypted, authenticated' legacy
  else
    model they_enter display KeyboardOnly 'encrypted, authenticated' legacy
  fi
}

# --- what is demanded -------------------------------------------------------------------------

# start_channels: theirs are l2test's for an encrypted link, and our own program's for an
# authenticated one, since l2test (5.66) cannot have enhanced channels with LE.
start_channels() {
  l2 encrypted -r -E -P $((0x83))
  background authenticated "$kernel" listen "$hci1" 0x85 enhanced 3
  expect encrypted 'Waiting for connection' 5
  expect authenticated listening 5
  ours 'listen 0x91 2' 'listen: ok'
  ours 'listen 0x93 3' 'listen: ok'
}

# l2 NAME ARGUMENT...: l2test; it reads numbers in decimal.
l2() {
  background "$1" l2test -V le_public -i hci1 -b 400 -I 400 -N "$sdus" -g 20000 "${@:2}"
}

# all_here NAME: what l2test has received is all that was sent, and it had nothing to say against it
all_here() {
  [ "$(grep -c '400 bytes in' "$out/$1.log")" = "$sdus" ] &&
    ! grep -E 'missmatch|invalid' "$out/$1.log"
}

we_receive() {
  hear "$us" "received $sdus"
  if grep 'is wrong' "$out/$us.log"; then fail "not what was sent"; fi
}

end_channel() {
  ours end 'channel ended: cancelled'
}

# What a plain link cannot have.
be_refused() {
  ours "read ${base}d1" 'read: ATT: insufficient encryption'
  ours 'open 0x83' 'channel: L2CAP: refused: insufficient encryption'
  ours 'open 0x85 enhanced' 'channel: L2CAP: refused: insufficient authentication'
}

# The kernel, which we refuse, too, then sees to it that the link is what we demand, in either role.
they_call() {
  l2 caller -s -P $((0x91)) "$hci0"
  agree compare
  hear "$us" 'channel: plain'
  we_receive
  stop "${pids[caller]}"
  hear "$us" 'channel ended: '
  background enhanced_caller "$kernel" call "$hci1" "$hci0" 0x93 enhanced
  hear "$us" 'channel: enhanced'
  tell "$us" "send $sdus 400"
  we_receive
  end_channel
}

we_call() {
  ours 'open 0x83' 'channel: plain'
  tell "$us" "send $sdus 400"
  within 10 all_here encrypted || fail "not what we sent"
  end_channel
  ours 'open 0x85 enhanced' 'channel: enhanced'
  tell "$us" "send $sdus 400"
  we_receive
  end_channel
}

demand() {
  start_channels
  users display-yesno DisplayYesNo
  link_up
  be_refused
  they_call
  we_call
  link_down
}

# --- lost bonds -------------------------------------------------------------------------------

# bluetoothd wants to read what is for authenticated links only, is refused, and pairs. The kernel
# should send its request once more then; on a busy machine it forgets to, now and then, and sends
# nothing else of bluetoothd's either.
they_read() {
  hear bluetoothctl 'ServicesResolved: yes'
  tell bluetoothctl "gatt.select-attribute ${base}e2"
  tell bluetoothctl gatt.read
  agree compare
  hear "$us" 'bonded, key 16'
  if ! within 5 log_says bluetoothctl '73 65 63 72 65 74'; then
    echo 'the kernel has not sent the request again'
  fi
}

# The central that has lost it connects as if there had been none. (When that is us, bluetoothd may
# ask for security before we do.) The users agree as before, and so the other side lets it have a
# new one.
central_loses() {
  link_up
  if [ "$link" = central ]; then pair compare; else they_read; fi
  ours bonds 'bonds: 1'
  link_down
  link_again 'encrypted, authenticated, secure'
  link_down
}

# The kernel encrypts, as bluetoothd tells it to, and ends the link when we have no key. (While a
# connection of bluetoothd's own waits for that, this kernel does not survive its end.)
we_lose_ours() {
  ours 'listen 0x97 0' 'listen: ok'
  tell "$us" advertise
  background plain_caller "$kernel" call "$hci1" "$hci0" 0x97 le
  hear "$us" 'connected: plain'
  hear "$us" 'disconnected: HCI: authentication failure'
  hear bluetoothctl 'Connected: no'
}

# We are told; what we do then is to forget it. Again without bluetoothd, which the kernel might not
# survive.
they_lose_theirs() {
  stop "${pids[bluetoothd]}"
  dialog background btmgmt btmgmt --index 1
  ask btmgmt 'power on' 'Set Powered complete'
  ask btmgmt "unpair -t 1 $hci0" 'unpaired'
  ask btmgmt 'io-cap 1' 'successfully set'
  ask btmgmt 'bondable on' 'Set Bondable complete'
  ask btmgmt 'connectable on' 'Set Connectable complete'
  ask btmgmt 'advertising on' 'Set Advertising complete'
  ours "connect $hci1" 'not connected: HCI: PIN or key missing'
  ours bonds 'bonds: 1'
  ours "forget $hci1" 'forget: ok'
  ours "connect $hci1" 'connected: plain'
  tell "$us" pair
  hear "$us" 'compare ([0-9]{6})'
  hear btmgmt "User Confirm ${BASH_REMATCH[1]}"
  tell btmgmt yes
  tell "$us" 'answer yes'
  hear "$us" 'pair: ok'
}

lose() {
  if [ "$link" = central ]; then
    ours "forget $hci1" 'forget: ok'
    central_loses
    they_lose_theirs
  else
    theirs "remove $hci0" 'Device has been removed'
    central_loses
    ours "forget $hci1" 'forget: ok'
    we_lose_ours
  fi
}

echo Y >"$parameter"
plug_in
start_bluetoothd 517 --experimental
register
tell bluetoothctl 'pairable on'
theirs 'advertise on' 'Advertising object registered'
every_model
demand
lose
end_ours
echo N >"$parameter"
