#!/usr/bin/env bash
# story_in_stderr.t - what is done to a job, and why, is in its own stderr, each line
# once and in the order it happened, to the end: also where it was suspended before,
# with either plugin, by sbatch and by srun, when the controller is away, when the
# warden is new, and for every one of many that die together.
# runs: v1 v2
# in-vm: newest-v2
# takes: 94 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster_warden.sh"
. "$MW_SRC/test/lib/plugin.sh"
[ "${MW_SLOW:-1}" -gt 1 ] && storm=8 || storm=${STORM:-60}

# begin PLUGINS [OPTION…]: a cluster with a warden and a courier
begin () {
    local plugins=$1; shift
    cluster_warden_start "controller-timeout = \"${timeout:-20s}\"" --plugins "$plugins" \
        --slurm-conf-line "$(first_job_id)" "$@" 2>"$TMP/start"
    must "plugins $plugins: cluster, warden and courier" grep -q ready "$COURIER_LOG"
    errs=$CLUSTER_DIR/out
}
end () {
    cluster_courier_stop
    warden_stop
    cluster_stop
    rm -rf "$WARDEN_STATE" "$COURIER_LOG" "$TMP/warden.log"
}
# the job's own lines in FILE, without their beginnings; what the controller passes
# on is behind a name, and several in one
story () { sed -n 's/^.*memwarden: job [0-9]*:* //p' "$1" | sed 's/; /\n/g'; }
# tells FILE WHAT ERE…: WHAT's story has these lines, once, in this order; the last
# one is the last line that is not Slurm's
tells () {
    local file=$1 what=$2 ere text; shift 2
    text=$(story "$file")
    for ere; do
        is "$what: once: $ere" "$(grep -Ec -- "$ere" <<<"$text")" 1
    done
    like "$what: in order" "$(tr '\n' '~' <<<"$text")" "$(IFS=@; sed 's/@/.*~.*/g' <<<"$*")"
    like "$what: at the end" "$(grep 'memwarden: \|touchmem' "$file" | tail -n 1)" \
        "memwarden: job .*${*: -1}"
}
limit='reached its limit of 40' killed='to be killed: it used up to [0-9.]+ MiB, its limit is 40'

# ---- each plugin, what has been done to the job before, sbatch and srun ----
if [ "${MW_SLOW:-1}" -gt 1 ]; then all='both'; else all='spank task both'; fi
for plugins in $all; do
    begin "$plugins"
    eat="$CLUSTER_BIN/touchmem --size 200M"
    if [ "$plugins" = task ]; then      # no flags: all have the warden's ladder
        sed -i '1i ladder = "suspend@3s,kill"' "$WARDEN_CONF"
        warden_restart
        sus=$(submit --mem=40 --wrap "$eat")
        sig=
    else
        sus=$(submit --mem=40 --on-oom=suspend@3s,kill --wrap "$eat")
        sig=$(submit --mem=40 --on-oom=signal=USR1:all@1s,suspend@2s,kill \
            --wrap "trap '' USR1; $eat")
    fi
    ok "$plugins: suspended, killed" wait_job "$sus" OUT_OF_MEMORY 90
    tells "$errs/$sus.err" "$plugins: suspend, kill" "$limit" "$killed"
    like "$plugins: its comment" "$(scontrol show job "$sus")" "Comment=.*killed"
    like "$plugins: why" "$(mw why "$sus")" \
        'SIGKILL to all|suspended as it is, Slurm kills it|Slurm has ended it before'
    if [ -n "$sig" ]; then
        ok "$plugins: signalled, suspended, killed" wait_job "$sig" OUT_OF_MEMORY 90
        tells "$errs/$sig.err" "$plugins: signal, suspend, kill" "$limit" "$killed"
    fi
    step=$(submit --mem=40 ${sig:+--on-oom=suspend@1s,kill} --wrap "srun $eat")
    ok "$plugins: a step of a batch job" wait_job "$step" OUT_OF_MEMORY 90 ||
        cluster_logs
    tells "$errs/$step.err" "$plugins: a step of a batch job" "$limit" "$killed"
    # shellcheck disable=SC2086
    as_user srun --mem=40 ${sig:+--on-oom=suspend@1s,kill} $eat >"$TMP/srun.out" 2>"$TMP/srun.err"
    tells "$TMP/srun.err" "$plugins: srun alone" "$limit" "$killed"
    unlike "$plugins: told is said of nothing else" "$(cat "$COURIER_LOG")" 'notify: told'
    [ "$plugins" = both ] || end
done

# ---- the warden is killed meanwhile: a new one goes on, or none ----
held () { journal_has "$1" "held"; }
job=$(submit --mem=40 --on-oom=hold@8s,kill --wrap "$eat")
ok 'a job is held' wait_for 60 held "$job"
warden_kill9
warden_start
is 'a new warden takes it up' $? 0
ok 'and kills it' wait_job "$job" OUT_OF_MEMORY 90
tells "$errs/$job.err" 'a new warden' "$limit" "$killed"

# a script that says when it runs, and waits for a word before its step eats
late_eater () {
    submit --mem=40 --on-oom=kill --wrap \
        "echo begun; until [ -e go.\$SLURM_JOB_ID ]; do sleep 0.2; done; srun $eat"
}
begun () { grep -qs begun "$errs/$1.out"; }

# The batch script's slurmstepd does not hear a new one yet, but a step does, whose
# srun dies with the job and passes nothing on: neither where that slurmstepd has to
# come back, nor where it has found no warden, and the step is the first that tells
# one of the job.
begun () { grep -qs begun "$errs/$1.out"; }
killing () { [[ $(mw why "$1") =~ SIGKILL\ to\ all ]]; }
for before in 'a warden' 'no warden'; do
    [ "$before" = 'a warden' ] || warden_kill9
    job=$(submit --mem=40 --on-oom=kill --wrap \
        "echo begun; until [ -e go.\$SLURM_JOB_ID ]; do sleep 0.2; done; srun $eat")
    must "$before: a batch script runs" wait_for 60 begun "$job"
    stepd=$(pgrep -f "^slurmstepd: \[$job.batch\]")
    must "$before: its slurmstepd is there" [ -n "$stepd" ]
    kill -STOP "$stepd"
    [ "$before" = 'no warden' ] || warden_kill9
    warden_start
    touch "$errs/go.$job"
    ok "$before: then one, and a step's OOM" wait_for 60 killing "$job"
    kill -CONT "$stepd"
    ok "$before: the job ends" wait_job "$job" OUT_OF_MEMORY 90
    tells "$errs/$job.err" "$before, then one" "$limit" "$killed"
done

job=$(submit --mem=40 --on-oom=hold@1h,kill --wrap "$eat")
ok 'a job is held' wait_for 60 held "$job"
warden_kill9
mw failsafe --state-dir "$WARDEN_STATE" >/dev/null 2>&1
over () { job_over "$1"; }
ok 'no warden comes: the job goes on, into the kernel' wait_for 90 over "$job"
tells "$errs/$job.err" 'no warden' "$limit" 'memwardend does not answer.*memwarden why'
end

# ---- many at once ----
timeout=60s begin both --cpus "$storm" --memory $((storm * 30 + 200))
cat >"$CLUSTER_BIN/eater" <<END
#!/bin/sh
echo begun
until [ -e $errs/go ]; do sleep 0.2; done
exec $CLUSTER_BIN/touchmem --size 200M
END
chmod 755 "$CLUSTER_BIN/eater"
jobs=()
for ((i = 0; i < storm; i++)); do
    jobs+=("$(submit --mem=30 -n1 --on-oom=kill --wrap "exec $CLUSTER_BIN/eater")")
done
all_begun () { [ "$(grep -l begun "$errs"/*.out | wc -l)" = "$storm" ]; }
must "$storm jobs run" wait_for 240 all_begun
touch "$errs/go"
none_runs () { [ -z "$(squeue -h -t R,CG,S)" ]; }
ok 'all come to their end' wait_for 240 none_runs
full=0 comment=0 why=0
for job in "${jobs[@]}"; do
    case $(story "$errs/$job.err" | tr '\n' '~') in
        'reached its limit of 30.0 MiB'*~'to be killed: '*', its reservation 30.0 MiB~it holds '*~) full=$((full + 1)) ;;
        *) diag+="$job: $(cat "$errs/$job.err")"$'\n' ;;
    esac
    scontrol show job "$job" | grep -q 'Comment=.*to be killed' && comment=$((comment + 1))
    [[ $(mw why "$job") =~ reached\ its\ limit.*to\ be\ killed.*resolved.*:\ killed ]] && why=$((why + 1)) ||
        diag+="$job: $(mw why "$job")"$'\n'
done
is 'each has its story in its stderr' "$full" "$storm"
[ -z "${diag:-}" ] || sed 's/^/# /' <<<"$diag"
is 'each has its comment' "$comment" "$storm"
is 'why is complete for each' "$why" "$storm"

# ---- Slurm is faster than its answer (on 24.11 by itself, at times) ----
asked () { ls "$WARDEN_STATE/spool/req" | grep -q "^$1\..*\.complete-oom"; }
job=$(submit --mem=40 --on-oom=hold@2s,kill \
    --wrap "$CLUSTER_BIN/touchmem --size 200M")
must 'a job is held' wait_for 60 held "$job"
kill -STOP "$COURIER_PID"
must 'Slurm is to end it' wait_for 60 asked "$job"
scancel "$job"
ok 'and does, unasked' wait_for 60 journal_has "$job" released
kill -CONT "$COURIER_PID"
like 'why says so' "$(mw why "$job")" 'Slurm has ended it before it answered'
done_testing
