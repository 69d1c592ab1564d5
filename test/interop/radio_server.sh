#!/bin/bash
# SPDX-License-Identifier: MIT
# server.sh with controllers of aioble-radio, which give data in small pieces, and with the longest
# MTU, in which most of it fits.
# shellcheck disable=SC2034 # for lib.sh and server.sh
radio='--no-timing --fragment 27' mtu=517
# shellcheck source=test/interop/server.sh
. "$(dirname "$0")/server.sh"
