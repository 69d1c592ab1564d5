#!/bin/bash
# SPDX-License-Identifier: MIT
# central.sh with controllers of aioble-radio, which hand data over in small pieces.
# shellcheck disable=SC2034 # for lib.sh
radio=(--fragment 27)
# shellcheck source=test/interop/central.sh
. "$(dirname "$0")/central.sh"
