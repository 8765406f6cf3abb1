#!/usr/bin/env bash
# kinds_of_request.t - however memory is asked for, what Slurm has allocated is what
# the job can count on, and its OOM comes at that: per CPU, per GPU, by default, none
# (then the whole node is its own), with the node for itself, and where swap is
# constrained, too.
# runs: v1 v2
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/kinds.sh"

cluster_warden_start 'ladder = "kill"
controller-timeout = "60s"' --gpus 2 --slurm-conf-line "$(first_job_id)" \
    --slurm-conf-line 'PartitionName=def Nodes=ALL DefMemPerNode=50' \
    --slurm-conf-line 'PartitionName=percpu Nodes=ALL DefMemPerCPU=25' \
    --cgroup-conf-line ConstrainSwapSpace=yes \
    --cgroup-conf-line AllowedSwapSpace=0 ||
    { fail 'cluster, warden and courier'; done_testing; exit 1; }
reserved () {
    jq -r --arg k "$1" 'select(.job == $k and .event == "registered") | .text' \
        "$WARDEN_STATE/journal.jsonl" | grep -o 'reservation [^,]*'
}
# asks NAME RESERVATION SBATCH-ARG…: so much is its own, and more kills it
asks () {
    local name=$1 want=$2 job; shift 2
    job=$(submit "$@" --wrap "exec $CLUSTER_BIN/touchmem --size 200M")
    ok "$name: killed" wait_job "$job" OUT_OF_MEMORY 60
    is "$name: so much was its own" "$(reserved "$job")" "reservation $want"
    ok "$name: by its ladder" journal_has "$job" step:kill
}
asks --mem '60.0 MiB' --mem=60
asks '--exclusive, with --mem' '60.0 MiB' --mem=60 --exclusive
asks --mem-per-cpu '60.0 MiB' --mem-per-cpu=20 -n3
asks --mem-per-gpu '60.0 MiB' --mem-per-gpu=30 --gpus=2
asks DefMemPerNode '50.0 MiB' -p def
asks DefMemPerCPU '50.0 MiB' -p percpu -n2

# the node's memory is more than this test may take: what it has is asked for only
whole () {
    local name=$1 job; shift
    job=$(submit "$@" --wrap "exec $CLUSTER_BIN/touchmem --size 60M")
    ok "$name: completes" wait_job "$job" COMPLETED 60
    is "$name: the whole node is its own" "$(reserved "$job")" 'reservation 2.0 GiB'
}
whole --mem=0 --mem=0
whole 'nothing asked for, no default' -n1
whole '--exclusive alone' --exclusive
whole '--mem=0, with a default' -p def --mem=0
grown=$(submit --mem=60 --on-oom=grow=100M@1m,kill --wrap \
    "exec $CLUSTER_BIN/touchmem --size 100M")
ok 'ConstrainSwapSpace: what is grown is had' wait_job "$grown" COMPLETED 60
more=$(submit --requeue --mem-per-gpu=30 --gpus=2 --on-oom=requeue=x2,kill --wrap \
    "exec $CLUSTER_BIN/touchmem --size 100M")
ok '--mem-per-gpu, requeued with more: completes' wait_job "$more" COMPLETED 60
is '… once' "$(end_of "$more")" 'COMPLETED 0:0 1'
is 'the kernel has not killed' "$(journal_count "$grown" kernel-kill)" 0
done_testing
