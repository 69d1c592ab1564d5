#!/bin/bash
# SPDX-License-Identifier: MIT
# We are the server of values that are longer than a packet. gatttool, which has an ATT client of
# its own, and bluetoothd discover them, read and write them in one part and in many, are notified
# and indicated; then the table changes while bluetoothd has it in its cache. What arrives is
# compared octet by octet, on both sides.
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

base=12345678-1234-5678-1234-56789abcde
attic=6174746963 celsius=0efe2f27010000   # the description and format of the temperature
mtu=${mtu:-64}   # of bluetoothd; gatttool stays at 23

serve() {
  dialog start server hci0 peer_server
  value=$(octets 512 1)
  ask server 'register parts values weather' 'register: ok'
  ask server "set long $value" 'set: ok'
  ask server 'set temperature 3408' 'set: ok'
  ask server 'set indoors 1234' 'set: ok'
  ask server 'set outdoors 5678' 'set: ok'
}

# was_written HEX: the long value is this now, and its hook was given all of it.
was_written() {
  expect server "written long $1\." 5 "$heard"
  heard=$(wc -c <"$out/server.log")
  value=$1
}
heard=0

# --- gatttool ---------------------------------------------------------------------------------

# tool COMMAND REGEX: gives gatttool a command.
tool() {
  ask gatttool "$@"
}

# handle UUID: of a characteristic's value, as gatttool has found it
handle() {
  sed -n "s/.*value handle: \(0x....\), uuid: $1.*/\1/p" "$out/gatttool.log" | tail -n 1
}

# The descriptor behind a value.
next() {
  printf '0x%04x' $(($1 + 1))
}

tool_discovers() {
  tool primary "1800-.*1801-.*uuid: ${base}a0.*uuid: 0000181a"
  tool 'primary 181a' 'Starting handle: 0x.* Ending handle: 0x'
  tool characteristics "${base}a1.*${base}a3.*${base}a4.*2a6e-.*2a6f-.*2a6f-"
  tool char-desc "${base}a1.*${base}a2.*${base}a3.*00002902.*${base}a4.*00002902.*2a6f-.*2a6f-"
  long=$(handle ${base}a1) news=$(handle ${base}a3) alert=$(handle ${base}a4)
}

tool_reads_and_writes() {
  tool "char-read-hnd $long" "descriptor: $(spaced "$value")"
  tool 'char-read-uuid 2a6f' 'value: 12 34 .*value: 56 78 '
  tool "char-write-req $long $(octets 20 2)" 'written successfully'
  was_written "$(octets 20 2)"
  tool "char-write-req $long $(octets 512 3)" 'written successfully'
  was_written "$(octets 512 3)"
  tool "char-write-req $long $(octets 513 4)" 'value length is invalid'
  tool "char-read-hnd $long" "descriptor: $(spaced "$value")"
  tool "char-write-cmd $long $(octets 20 5)" .
  was_written "$(octets 20 5)"
}

tool_is_told() {
  local longest=$((mtu < 515 ? mtu - 3 : 512))

  tool "char-write-req $(next "$news") 0100" 'written successfully'
  expect server 'subscribed news 1' 5
  ask server "notify news $(octets 20 6)" 'sent news: ok'
  ask server "notify news $(octets 21 6)" 'sent news: too long'
  expect gatttool "Notification handle = $news value: $(spaced "$(octets 20 6)")" 5
  tool "char-write-req $(next "$alert") 0200" 'written successfully'
  expect server 'subscribed alert 2' 5
  ask server "indicate alert $(octets 20 7)" 'sent alert: ok'
  expect gatttool "Indication   handle = $alert value: $(spaced "$(octets 20 7)")" 5
}

with_gatttool() {
  dialog background gatttool gatttool -i hci1 -b "$hci0" -I
  tool connect 'Connection successful'
  tool_discovers
  tool_finds_the_rest
  tool_reads_and_writes
  tool_is_told
  stop "${pids[gatttool]}"
  expect server disconnected 10
}

# The service that another includes is secondary.
tool_finds_the_rest() {
  tool included 'uuid: 00001815'
  if grep 'attr handle.*00001815' "$out/gatttool.log"; then fail "a primary service too many"; fi
  tool 'char-read-uuid 2901' "value: $(spaced "$attic")"
  tool 'char-read-uuid 2904' "value: $(spaced "$celsius")"
}

# --- bluetoothd -------------------------------------------------------------------------------

# path UUID: bluetoothd's name of an attribute of ours
path() {
  call org.bluez / org.freedesktop.DBus.ObjectManager.GetManagedObjects |
    grep -oE "'/[^']*': \{[^/]*'UUID': <'$1'>" | cut -d "'" -f 2
}

# array HEX: as D-Bus tools write it
array() {
  sed 's/../, 0x&/g; s/, /[/; s/$/]/' <<<"$1"
}

# reads Characteristic|Descriptor PATH HEX
reads() {
  local expected
  expected=$(array "$3")

  [ "$(call org.bluez "$2" "org.bluez.Gatt${1}1.ReadValue" '{}')" = "([byte ${expected:1},)" ] ||
    fail "bluetoothd reads something else from $2"
}

# writes Characteristic|Descriptor PATH HEX OPTIONS
writes() {
  call org.bluez "$2" "org.bluez.Gatt${1}1.WriteValue" "@ay $(array "$3")" "$4"
}

connect() {
  say "connect $hci0" 'ServicesResolved: yes' 20
}

disconnect() {
  say "disconnect $hci0" 'Successful disconnected'
}

reads_and_writes() {
  local long note
  long=$(path ${base}a1) note=$(path ${base}a2)

  writes Characteristic "$long" "$(octets 512 8)" '{}'
  was_written "$(octets 512 8)"
  reads Characteristic "$long" "$value"
  writes Characteristic "$long" "$(octets 512 9)" "{'type': <'reliable'>}"
  was_written "$(octets 512 9)"
  writes Characteristic "$long" "$(octets 312 10)" "{'offset': <uint16 200>}"
  was_written "${value:0:400}$(octets 312 10)"
  reads Characteristic "$long" "$value"
  writes Characteristic "$long" "$(octets 60 11)" "{'type': <'command'>}"
  was_written "$(octets 60 11)"
  writes Descriptor "$note" "$(octets 200 12)" '{}'
  ask server 'get note' "value note $(octets 200 12)\."
  reads Descriptor "$note" "$(octets 200 12)"
}

# sig UUID: one of the Bluetooth SIG's, in full
sig() {
  echo "0000$1-0000-1000-8000-00805f9b34fb"
}

finds_the_rest() {
  call org.bluez "$(path "$(sig 181a)")" org.freedesktop.DBus.Properties.Get \
    org.bluez.GattService1 Includes | grep "'$(path "$(sig 1815)")'"
  reads Descriptor "$(path "$(sig 2901)")" "$attic"
  reads Descriptor "$(path "$(sig 2904)")" "$celsius"
}

# hears HEX: bluetoothd has told everybody on the bus this value.
hears() {
  local text
  text=$(array "$1")

  expect monitor "'Value': <\[byte ${text:1:-1}\]>" 5
}

is_told() {
  local longest=$((mtu < 515 ? mtu - 3 : 512))

  say "gatt.select-attribute ${base}a3" .
  say 'gatt.notify on' 'Notify started'
  ask server "notify news $(octets "$longest" 13)" 'sent news: ok'
  hears "$(octets "$longest" 13)"
  say "gatt.select-attribute ${base}a4" .
  say 'gatt.notify on' 'Notify started'
  ask server "indicate alert $(octets "$longest" 14)" 'sent alert: ok'
  hears "$(octets "$longest" 14)"
}

with_bluetoothd() {
  background monitor gdbus monitor --system --dest org.bluez
  expect monitor 'is owned by' 5
  connect
  ask server mtu "mtu: $mtu"
  say "gatt.list-attributes $hci0" 00002a6f
  finds_the_rest
  reads_and_writes
  say "gatt.select-attribute ${base}a1" .
  say 'gatt.write "0x42 0x79 0x65" 0 reliable' .
  was_written 427965
  say gatt.read 'Value:.*42 79 65 '
  is_told
}

# --- the table changes ------------------------------------------------------------------------

# The service that is registered later is there, and can be used.
appears() {
  expect monitor "InterfacesAdded.*${base}b1" 10 "$seen"
  more=$(path ${base}b1)
  reads Characteristic "$more" 31
}

# bluetoothd is told; connects again, and uses what it has; is told; and finds out for itself what
# has changed while it was away.
with_cache() {
  local more seen=0

  ask server 'set more 31' 'set: ok'
  ask server 'register parts values weather later' 'register: ok'
  appears
  disconnect
  connect
  reads Characteristic "$more" 31
  ask server 'register parts values weather' 'register: ok'
  expect monitor "InterfacesRemoved \(objectpath '$more'" 5
  disconnect
  ask server 'register parts values weather later' 'register: ok'
  seen=$(wc -c <"$out/monitor.log")
  connect
  appears
}

plug_in
start_bluetoothd "$mtu"
serve
with_gatttool
with_bluetoothd
with_cache
ask server quit .
succeeds server 5
