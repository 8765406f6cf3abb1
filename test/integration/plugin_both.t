#!/usr/bin/env bash
# runs: v1 v2
# takes: 33 s
# in-vm: newest-v2
# With both plugins every job is placed and
# registered once, and its OOM is handled by its ladder.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

acceptance_7 both
done_testing
