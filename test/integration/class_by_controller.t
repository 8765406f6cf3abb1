#!/usr/bin/env bash
# runs: v1
# A class that asks for partition or account goes by what the controller says of
# the job, not by what its user's environment says; it outlives a restart of the
# warden without a controller.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"

cluster_warden_start 'max-priority = "600"
class production {
    match-partition = "prod*"
    max-priority = "100"
    max-burst = "x1"
    protect = "true"
}
class physics {
    match-account = "phys*"
    match-user = "nobody"
    max-priority = "900"
}' --slurm-conf-line 'PartitionName=prod1 Nodes=ALL' ||
    { fail 'cluster, warden and courier'; done_testing; exit; }
field () { job_shows "$1" ".$2"; }
begin () { submit --mem=50 --oom-priority=800 --mem-burst=x2 "$@" --wrap 'sleep 1000'; }

prod=$(begin -p prod1)
phys=$(begin --account=physics)
fake=$(SLURM_JOB_PARTITION=prod1 SLURM_JOB_ACCOUNT=physics SLURM_JOB_QOS=prod begin)
for job in "$prod" "$phys" "$fake"; do
    ok "job $job: the controller has told" wait_for 60 journal_has "$job" class
done
is 'by its partition' "$(field "$prod" class)" production
is 'with its cap on the priority' "$(field "$prod" priority)" 100
is 'and on the limit' "$(field "$prod" limit)" $((50 << 20))
is 'which is in the memcg' "$(cat "$(field "$prod" memory)/memory.limit_in_bytes")" $((50 << 20))
is 'by its account and user' "$(field "$phys" class) $(field "$phys" priority)" 'physics 800'
is 'not by what its environment says' "$(field "$fake" partition):$(field "$fake" class)" p:
is 'it has the general caps' "$(field "$fake" priority) $(field "$fake" limit)" "600 $((100 << 20))"
like 'why names the class' "$(mw why "$prod")" \
    "partition prod1, account .none., QOS .*: class production: .*protected"

slurmctld_stop
warden_kill9; warden_start || fail 'the warden starts again'
is 'after a restart, without the controller' "$(field "$prod" class) $(field "$phys" class)" 'production physics'
slurmctld_start
scancel "$prod" "$phys" "$fake"
gone () { [ -z "$(mw jobs --json | jq -r '.[].key')" ]; }
ok 'the jobs end' wait_for 60 gone
empty () { [ -z "$(ls "$WARDEN_STATE/spool/req")" ]; }
ok 'nothing is left to be asked' wait_for 60 empty
done_testing
