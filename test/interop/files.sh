#!/bin/bash
# SPDX-License-Identifier: MIT
# Both sides are ours, each on a user channel: the file transfer of the examples, a mebibyte there
# and back, what there is, and what there is not.
# shellcheck disable=SC2034 # for lib.sh
radio='--no-timing'
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/lib.sh"

# client NAME ARGUMENT...: in a folder of its own
client() {
  (cd "$out/mine" && exec "$build/examples/l2cap_file_client" --adapter hci0 "${@:2}") \
    >"$out/$1.log" 2>&1
}

mkdir "$out/mine" "$out/theirs"
head -c 1048576 /dev/urandom >"$out/theirs/down"
head -c 1048576 /dev/urandom >"$out/mine/up"
plug_in
start server hci1 l2cap_file_server --clients 4 "$out/theirs"
client list list
grep -q '1048576 down' "$out/list.log"
client get get down
cmp "$out/mine/down" "$out/theirs/down"
client put put up
cmp "$out/mine/up" "$out/theirs/up"
if client none get none; then fail "it has got what is not there"; fi
grep -q 'error no such file' "$out/none.log"
[ ! -e "$out/mine/none" ]
succeeds server 5
