#!/usr/bin/env bash
# runs: v1 v2
# takes: 47 s
# in-vm: newest-v2
# With the task plugin alone (TaskPlugin=task/cgroup,task/memwarden) every job is placed and
# registered once, and its OOM is handled by its ladder.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/warden.sh"
. "$MW_SRC/test/lib/plugin.sh"

acceptance_7 task
done_testing
