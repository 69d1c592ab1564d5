#!/bin/bash
# SPDX-License-Identifier: MIT
# peripheral.sh with controllers of aioble-radio, whose data does not wait for connection events.
# shellcheck disable=SC2034 # for lib.sh
radio=(--no-timing)
# shellcheck source=test/interop/peripheral.sh
. "$(dirname "$0")/peripheral.sh"
