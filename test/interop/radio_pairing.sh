#!/bin/bash
# SPDX-License-Identifier: MIT
# pairing.sh the other way round, with controllers of aioble-radio: we are the peripheral.
# shellcheck disable=SC2034 # for lib.sh and pairing.sh
radio='--no-timing' link=peripheral
# shellcheck source=test/interop/pairing.sh
. "$(dirname "$0")/pairing.sh"
