#!/bin/bash
# SPDX-License-Identifier: MIT
# central.sh with controllers of aioble-radio, which give data in small pieces and do not let it wait
# for connection events.
# shellcheck disable=SC2034 # for lib.sh
radio='--no-timing --fragment 27'
# shellcheck source=test/interop/central.sh
. "$(dirname "$0")/central.sh"
