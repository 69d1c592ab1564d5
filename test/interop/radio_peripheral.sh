#!/bin/bash
# SPDX-License-Identifier: MIT
# peripheral.sh with controllers of aioble-radio.
# shellcheck disable=SC2034 # for lib.sh
radio=''
# shellcheck source=test/interop/peripheral.sh
. "$(dirname "$0")/peripheral.sh"
