#!/usr/bin/env bash
# runs: v1 v2
# With the SPANK plugin alone (plugstack.conf) every job is placed and
# registered once, and its OOM is handled by its ladder.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

acceptance_7 spank
done_testing
