#!/bin/bash
# SPDX-License-Identifier: MIT
# channels.sh as a peripheral, with controllers of aioble-radio, which give data in small pieces.
# shellcheck disable=SC2034 # for lib.sh and channels.sh
radio='--no-timing --fragment 27' link=peripheral
# shellcheck source=test/interop/channels.sh
. "$(dirname "$0")/channels.sh"
