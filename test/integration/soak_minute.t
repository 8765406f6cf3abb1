#!/usr/bin/env bash
# soak_minute.t - test/soak for about a minute: two rounds of a seed whose plan has
# every kind of job and of event, however long a slow machine takes for them.
# runs: v1 native
# takes: 65 s
. "$(dirname "$0")/../lib/tap.sh"

seed=71315
SOAK_AT_ONCE=4 SOAK_ROUND=10 SOAK_ROUNDS=2 bash "$MW_SRC/test/soak" 3600 $seed |
    sed 's/^\(# \)*/# /'
is "the soak with seed $seed ends without a violation" "${PIPESTATUS[0]}" 0
done_testing
