# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# lib.sh BUILD OUT: what every scenario sources first. Two controllers that hear each other, hci0
# for our programs and hci1 for BlueZ; bluetoothd and bluetoothctl; programs in the background that
# do not outlive the scenario. A scenario ends at the first command that fails, and says one line on
# stdout: how it went. Everything else goes to files in OUT.
#
# Of these controllers (btvirt) one should know that they send one advertising report each time that
# somebody starts to advertise or to scan, not one per interval, and that they have one ACL buffer
# of 192 bytes. With -L they are LE only, so that the kernel uses the advertising commands of 4.0:
# those and the extended ones do not see each other properly.
set -Eeuo pipefail

build=$1 out=$2
name=$(basename "$0" .sh)
# shellcheck disable=SC2034 # for the scenarios
hci0=00:AA:01:00:00:00
hci1=00:AA:01:01:00:01
declare -A pids=()    # of the background programs, by name
declare -A input=()   # what those write to that take commands
declare -A past=()    # as many characters of their logs have been heard
why=''

fail() {
  why=$*
  exit 1
}

# within SECONDS COMMAND...: repeats COMMAND until it succeeds.
within() {
  local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

  shift
  until "$@" >/dev/null 2>&1; do
    [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
    sleep 0.05
  done
}

gone() {
  ! kill -0 "$1"
}

# octets COUNT N: so many, in hexadecimal digits, and others for another N (less than 32)
digits=$(for i in {0..543}; do printf %02x $((i * 37 % 251)); done)
octets() {
  echo "${digits:2*$2:2*$1}"
}

# spaced HEX [PREFIX]: with a space between two octets, and PREFIX before each
spaced() {
  sed "s/../ ${2:-}&/g; s/ //" <<<"$1"
}

# --- the end ----------------------------------------------------------------------------------

# The controllers go last: this kernel does not survive all being taken away at the same moment.
stop_all() {
  local last=${pids[controllers]:-}

  unset 'pids[controllers]'
  stop "${pids[@]}"
  if [ -n "$last" ]; then stop "$last"; fi
}

stop() {
  local pid

  kill "$@" 2>/dev/null || true
  for pid in "$@"; do
    within 2 gone "$pid" || kill -KILL "$pid" || true
  done
}

finish() {
  local status=$?

  trap - ERR EXIT
  trap '' TERM
  stop_all
  if [ "$status" = 0 ]; then
    echo "ok $name" >&3
  else
    echo "not ok $name: ${why:-status $status}" >&3
  fi
}

mkdir -p "$out"
exec 3>&1 >"$out/log" 2>&1
trap finish EXIT
trap 'fail "took too long, at line $LINENO: $BASH_COMMAND"' TERM
trap 'why=${why:-line $LINENO: $BASH_COMMAND}' ERR

# --- programs ---------------------------------------------------------------------------------

# background NAME COMMAND...: starts COMMAND with its output in NAME.log. (The empty file is there
# first because bash 5.2 dies of a $(<file) without a file.)
background() {
  local label=$1

  shift
  : >"$out/$label.log"
  "$@" <&0 >>"$out/$label.log" 2>&1 &
  pids[$label]=$!
}

# start NAME ADAPTER PROGRAM...: starts one of our programs, with a capture.
start() {
  local program=$build/examples/$3

  [ -x "$program" ] || program=$build/test/interop/$3
  [ -x "$program" ] || fail "no program $3 in $build"
  AIOBLE_SNOOP=$out/$1.btsnoop background "$1" "$program" --adapter "$2" "${@:4}"
}

# dialog START NAME ARGUMENT...: START is background or start; the program takes commands.
dialog() {
  local fifo fd
  fifo=$(mktemp -u)

  mkfifo "$fifo"
  exec {fd}<>"$fifo"
  input[$2]=$fd
  "$@" <"$fifo"
}

# ask NAME COMMAND REGEX [SECONDS]: gives a program a command and waits for its answer.
ask() {
  local text
  text=$(<"$out/$1.log")

  echo "$2" >&"${input[$1]}"
  expect "$1" "$3" "${4:-10}" "${#text}"
}

# expect NAME REGEX SECONDS [OFFSET]: waits for text in NAME.log, after OFFSET characters.
expect() {
  within "$3" log_has "$1" "$2" "${4:-0}" || unheard "$1" "$2"
}

# unheard NAME REGEX: the end of the scenario, which tells what was said instead
unheard() {
  fail "$1 did not say '$2', but at last '$(tail -n 1 "$out/$1.log" | tr -cd '[:print:]')'"
}

log_has() {
  local text
  text=$(<"$out/$1.log")

  [[ ${text:$3} =~ $2 ]]
}

# tell NAME COMMAND: gives a program a command.
tell() {
  echo "$2" >&"${input[$1]}"
}

# hear NAME REGEX [SECONDS]: waits for text in NAME.log behind what was heard before, and leaves in
# BASH_REMATCH what it was.
hear() {
  within "${3:-10}" log_says "$1" "$2" || unheard "$1" "$2"
}

log_says() {
  local text
  text=$(<"$out/$1.log")

  text=${text:${past[$1]:-0}}
  [[ $text =~ $2 ]] || return 1
  text=${text%%"${BASH_REMATCH[0]}"*}
  past[$1]=$((${past[$1]:-0} + ${#text} + ${#BASH_REMATCH[0]}))
}

# succeeds NAME SECONDS: a program ends by itself, with status 0.
succeeds() {
  ends "$1" "$2" || fail "$1: $(tail -n 1 "$out/$1.log")"
}

# fails NAME SECONDS REGEX: it ends by itself, with another status and that text. (One that never got
# its adapter has captured nothing but the head of the file.)
fails() {
  if ends "$1" "$2"; then fail "$1 should have failed"; fi
  expect "$1" "$3" 0
  find "$out" -name "$1.btsnoop" -size -17c -delete
}

ends() {
  within "$2" gone "${pids[$1]}" || fail "$1 did not end in $2 s"
  wait "${pids[$1]}"
}

# --- the other side ---------------------------------------------------------------------------

# The controllers are btvirt's; or, when a scenario has set radio='OPTIONS' first, aioble-radio's.
# Our programs know nobody of an earlier scenario.
plug_in() {
  rm -rf ~/.local/state/aioble
  within 2 test ! -e /sys/class/bluetooth/hci0 || fail "controllers of before are still there"
  if [ -v radio ]; then
    plug_in_radio
  else
    background controllers btvirt -L -l2
  fi
  within 5 test -e /sys/class/bluetooth/hci1 || fail "no controllers"
}

# A bridge ends with the radio, as an adapter goes when its controller does.
plug_in_radio() {
  local socket options n
  socket=$(mktemp -u)
  read -ra options <<<"$radio"

  background controllers "$build/aioble-radio" --listen "unix:$socket" --verbose "${options[@]}"
  expect controllers listening 5
  for n in 0 1; do
    background bridge "$build/test/interop/vhci_bridge" "$socket"
    within 5 test -e /sys/class/bluetooth/hci$n || fail "no hci$n"
  done
  unset 'pids[bridge]'
  # shellcheck disable=SC2034 # for the scenarios
  hci0=02:A1:0B:1E:00:01 hci1=02:A1:0B:1E:00:02
}

unplug() {
  kill "${pids[controllers]}"
}

# start_bluetoothd MTU [OPTION...]: AutoEnable would take hci0, too, and a user channel can be opened on
# adapters that are down only. It keeps the tables of all its peers, also of those it is not paired with.
start_bluetoothd() {
  [ -e /run/dbus/system_bus_socket ] || start_bus
  rm -rf /var/lib/bluetooth
  printf '[Policy]\nAutoEnable=false\n[GATT]\nCache=always\nExchangeMTU=%s\n' "$1" \
    >"$out/main.conf"
  background bluetoothd /usr/libexec/bluetooth/bluetoothd -n -f "$out/main.conf" "${@:2}"
  within 10 gdbus introspect --system --dest org.bluez --object-path /org/bluez/hci1 ||
    fail "bluetoothd did not find hci1"
  start_bluetoothctl
}

start_bus() {
  [ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
  mkdir -p /run/dbus
  dbus-daemon --system --fork --nopidfile --nosyslog
}

start_bluetoothctl() {
  dialog background bluetoothctl bluetoothctl
  expect bluetoothctl 'Agent registered' 10
  say "select $hci1" .
  say 'power on' 'Changing power on succeeded'
}

# say COMMAND REGEX [SECONDS]: gives bluetoothctl a command.
say() {
  ask bluetoothctl "$@"
}

# D-Bus calls of one method: OWNER PATH METHOD ARGUMENT...
call() {
  gdbus call --system --dest "$1" --object-path "$2" --method "$3" "${@:4}"
}
