#!/usr/bin/env bash
# runs: v1 v2
# takes: 60 s
# With slurmdbd and MariaDB, and associations and QOS enforced: a job's class goes by the
# QOS and the account that slurmdbd lets it have; job_submit.lua refuses at submit what
# the class does not allow, and lowers --mem where it is told to; sacct agrees about who
# was killed for what; and whoever needs more than he asks for again and again loses
# burst, then priority, until root forgives him.  What --mem-retry gave is the same number
# for sacct, scontrol, slurmrestd, why and the record.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/slurmrestd.sh"

cluster_warden_start "history-dir = \"$TMP/kept\""'
ladder = "kill"
strike-half-life = "1d"
strikes-burst = "2"
strikes-priority = "3"
strike-max-priority = "50"
class urgent {
    match-qos = "urg*"
    max-priority = "900"
    burst = "x2"
}
class physics {
    match-account = "phys*"
    max-burst = "x1.5"
}' --accounting --slurm-conf-line AccountingStoreFlags=job_comment ||
    { fail 'cluster with slurmdbd, warden and courier'; done_testing; exit; }
must 'slurmdbd has accounts and QOS' cluster_account 'add account physics' 'add qos urgent' \
    "add user $CLUSTER_USER account=physics" "modify user where name=$CLUSTER_USER set qos+=urgent"

# ---- at submit -------------------------------------------------------------------
# as an admin does it: beside slurm.conf, with his paths in it
sed "s|^local CONF = .*|local CONF = \"$WARDEN_CONF\"|
    s|^local ADVICE = nil|local ADVICE = \"$TMP/advice.csv\"|
    s|^local ADVICE_JOBS = .*|local ADVICE_JOBS = 2|
    s|^local ADVICE_LEAST = .*|local ADVICE_LEAST = 10|
    s|^local ADVICE_EVERY = .*|local ADVICE_EVERY = 0|" \
    "$MW_SRC/contrib/job_submit.lua" >"$CLUSTER_DIR/job_submit.lua"
slurmctld_stop
echo JobSubmitPlugins=lua >>"$SLURM_CONF"
must 'slurmctld starts with job_submit.lua' slurmctld_start

refused () { submit --mem=50 --wrap true "$@" 2>&1 && echo 'it was taken'; }
like 'a burst beyond the class of its account' "$(refused --account=physics --mem-burst=x2)" \
    'memwarden: --mem-burst=x2 is more than class physics allows: x1.5'
like 'as a size, too' "$(refused --account=physics --mem-burst=100M)" '--mem-burst=100M is more .* physics'
like 'a priority beyond that of its QOS' "$(refused --qos=urgent --oom-priority=950)" \
    '--oom-priority=950 is more than class urgent allows: 900'
like 'and beyond what anybody may have' "$(refused --oom-priority=800)" \
    '--oom-priority=800 is more than the site allows: 500'
like 'a QOS that slurmdbd does not know is Slurm'\''s to refuse' "$(refused --qos=urge)" 'Invalid qos'
like 'nor is what the environment says believed' \
    "$(SLURM_JOB_QOS=urgent refused --oom-priority=800)" 'than the site allows'

# ---- the class -------------------------------------------------------------------
begin () { submit --mem=50 "$@" --wrap 'sleep 1000'; }
urgent=$(begin --qos=urgent --oom-priority=800)
phys=$(begin --account=physics --mem-burst=x1.5)
plain=$(begin --oom-priority=400)
classed () { [ "$(job_shows "$1" '.qos')" ] && [ "$(job_shows "$1" .class)" = "$2" ]; }
ok 'its QOS decides' wait_for 60 classed "$urgent" urgent
ok 'or its account' wait_for 60 classed "$phys" physics
ok 'or neither' wait_for 60 classed "$plain" ''
is 'with what they are given' \
    "$(for j in "$urgent" "$phys" "$plain"; do job_shows "$j" '"\(.priority) \(.limit / 1048576)"'; done | paste -sd,)" \
    '800 100,500 75,400 50'
is 'as slurmdbd has them' \
    "$(sacct -nXP -j "$urgent,$phys,$plain" -o JobID,Account,QOS | paste -sd' ')" \
    "$urgent|base|urgent $phys|physics|normal $plain|base|normal"
scancel "$urgent" "$phys" "$plain"

# ---- less --mem ------------------------------------------------------------------
for i in 1 2; do
    small=$(submit -J small --mem=200 --wrap "$CLUSTER_BIN/touchmem --size 20M")
    ok "a job that asks for too much: $i" wait_job "$small" COMPLETED 60
done
reported () { mw report --csv >"$TMP/advice.csv" && grep -q '"small",2,' "$TMP/advice.csv"; }
ok 'memwarden report has both' wait_for 30 reported
said=$(submit -J small --mem=200 --wrap true 2>&1)
less=$(tail -n 1 <<<"$said")
like 'its next run asks for less, and its user is told' "$said" \
    'memwarden: --mem=200M is lowered to [0-9]+M, .* your last 2 jobs of this name'
advice=$(awk -F, '/"small"/ { printf "%d\n", ($11 + 1048575) / 1048576 }' "$TMP/advice.csv")
is 'for what memwarden report recommends' "$(job_field "$less" MinMemoryNode)" "${advice}M"
other=$(submit -J other --mem=200 --wrap true)
is 'another name is another job' "$(job_field "$other" MinMemoryNode)" 200M

# ---- strikes ---------------------------------------------------------------------
hog () { submit "$@" --mem=40 --wrap "exec $CLUSTER_BIN/touchmem --size 120M"; }
strikes () { mw strikes --json | jq -r '.users | map("\(.strikes) \(.loses)") | join (",")'; }
is 'so far nobody has any' "$(strikes)" ''
first=$(hog)
ok 'a job needs more than it has asked for' wait_job "$first" OUT_OF_MEMORY 60
sacct_says () { [[ $(sacct -nXP -j "$1" -o State,Comment) == OUT_OF_MEMORY\|*killed* ]]; }
ok 'sacct says so, and why' wait_for 30 sacct_says "$first"
is 'in the words of scontrol' "$(sacct -nXP -j "$first" -o Comment)" \
    "$(scontrol show job "$first" | sed -n 's/^ *Comment=\(.*[^ ]\) *$/\1/p')"
elsewhere=$(MEMWARDEN_SOCKET=$TMP/none "$MEMWARDEN" why "$first" 2>&1)
like 'why where no warden is, as on a login node, has what is at the controller' \
    "$elsewhere" "as Slurm has it:  memwarden: job $first: to be killed: it used up to"
like 'and says where to go' "$elsewhere" "job $first is on $CLUSTER_NODE: ask there"
like 'why says that it is a strike' "$(mw why "$first")" \
    'more than the 40.0 MiB that it had asked for: that is a strike, its user has 1 now'
second=$(hog --mem-burst=x2)
ok 'again, with burst' wait_job "$second" OUT_OF_MEMORY 60
like 'that costs the next ones their burst' "$(mw why "$second")" "has 2 now .*next jobs lose burst"
third=$(hog --mem-burst=x2)
ok 'which does not begin with it' wait_job "$third" OUT_OF_MEMORY 60
like 'as its story says' "$(mw why "$third")" \
    'registered: reservation 40.0 MiB, limit 40.0 MiB,'
like 'and its standard error' "$(cat "$CLUSTER_DIR/out/$third.err")" \
    "its user has 2 strikes, for jobs that needed more memory .*no burst, and is lent nothing"
fourth=$(begin --oom-priority=450 --mem-burst=x2)
ok 'three cost priority, too' wait_for 60 classed "$fourth" ''
is 'what is left' "$(job_shows "$fourth" '"\(.priority) \(.limit / 1048576) \(.strikes)"')" '50 50 3'
like 'nor can its owner give it more' "$(as_user "$MEMWARDEN" set "$fourth" --priority 100 2>&1)" 50
is 'and it has no more' "$(job_shows "$fourth" .priority)" 50
is 'it is on root'\''s list' "$(strikes)" '3 burst and priority'
as_user "$MEMWARDEN" strikes --forgive all >"$TMP/denied" 2>&1
is 'which is root'\''s alone' $? 4

# ---- kept, and forgiven ----------------------------------------------------------
warden_kill9; warden_start
is 'a restart forgets nothing' "$(strikes) $(job_shows "$fourth" .strikes)" '3 burst and priority 3'
same () { cmp -s "$WARDEN_STATE/strikes" "$TMP/kept/strikes"; }
ok 'they are copied to history-dir' wait_for 20 same
warden_stop; rm "$WARDEN_STATE/strikes"; warden_start
is 'nor does a reboot' "$(strikes)" '3 burst and priority'
is 'nobody of that name' "$(mw strikes --forgive nosuchuser 2>&1 >/dev/null; echo $?)" \
    "$(printf 'memwarden strikes: there is no user "nosuchuser"; write a login name, a uid, or all
Usage: memwarden strikes [--forgive USER|all]\n2')"
ok 'root forgives' mw strikes --forgive "$CLUSTER_USER"
is 'then there are none' "$(strikes)" ''
fifth=$(begin --mem-burst=x2)
ok 'the next job' wait_for 60 classed "$fifth" ''
is 'has its burst again' "$(job_shows "$fifth" '"\(.priority) \(.limit / 1048576) \(.strikes)"')" '500 100 0'

# ---- the same numbers, wherever one looks ------------------------------------------
rest=unix:$CLUSTER_DIR/out/restd.sock
if rest_start "$rest"; then pass 'slurmrestd'; else fail 'slurmrestd'; fi  # not in a subshell: its pid
retry=$(submit --mem=60 --mem-retry=x2 --on-oom=kill --wrap "exec $CLUSTER_BIN/touchmem --size 100M")
ok 'a job that asks for too little completes, run again' wait_job "$retry" COMPLETED 120
asked () { sacct -nXP -j "$retry" -o State,ReqMem | tr -d nc; }
is_asked () { [ "$(asked)" = 'COMPLETED|120M' ]; }
ok 'sacct: what it has asked for' wait_for 30 is_asked
is 'scontrol' "$(job_field "$retry" MinMemoryNode) $(job_field "$retry" Restarts)" '120M 1'
is 'slurmrestd' "$(rest_get "$rest" "/slurm/$(rest_version "$rest")/job/$retry" |
    jq -r '.jobs[0] | "\(.memory_per_node | .number? // .) \(.restart_cnt)"')" '120 1'
like 'why' "$(mw why "$retry")" 'requeued.* with --mem=120M \(try 1 of 3\)'
is 'and the record' "$(jq -r --arg k "$retry" 'select (.job == $k and .mem_mb) | "\(.measured / 1048576) \(.mem_mb)"' \
    "$TMP/kept/journal.jsonl" | sort -u)" '60 120'
scancel "$fourth" "$fifth"
gone () { [ -z "$(mw jobs --json | jq -r '.[].key')" ]; }
ok 'the jobs end' wait_for 60 gone
done_testing
