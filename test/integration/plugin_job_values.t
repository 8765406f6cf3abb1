#!/usr/bin/env bash
# runs: v1
# takes: 36 s
# What a job asked for at submit holds for all its steps, whatever their own flags
# and environment say: of sbatch, salloc and srun, with and without the extern
# step, between steps without a cgroup of the job too; and a step that somebody
# starts from outside before the batch script counts for nothing.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/cluster.sh"
. "$MW_SRC/test/lib/plugin.sh"

# Slurm 24.11 loses jobs where a plugin has this hook, see HACKING.md
for so in spank_memwarden task_memwarden; do
    unlike "$so.so has no job_prolog" \
        "$(nm -D "$MW_BUILD/plugin/.libs/$so.so")" slurm_spank_job_prolog
done

wishes () { told "$1" '"\(.priority) \(.ladder)"'; }
last_priority () { told "$1" .priority; }
# what each registration of a job said
priorities () {
    registered "$1" | sed 's/^register //; s/} .*/}/' | jq -r .priority | paste -sd' '
}
HIGHER='--oom-priority=900 --on-oom=grow@30s,kill'
LOWER='--oom-priority=5 --on-oom=grow@30s,kill'

for contain in '' --no-contain; do
    # shellcheck disable=SC2086
    cluster_start --plugins spank $contain --slurm-conf-line "$(first_job_id)" 2>"$TMP/start"
    is "the cluster comes up ${contain:-with the extern step}" "$?$(cat "$TMP/start")" 0
    recorder_start

    job=$(submit -n2 --mem=50 --oom-priority=300 --on-oom=kill --wrap "
        srun --overlap -n1 $HIGHER true
        MEMWARDEN_OOM_PRIORITY=900 srun --overlap -n1 $LOWER true
        env -u SLURM_SPANK_MEMWARDEN_TAKEN -u SLURM_SPANK_MEMWARDEN_OOM_PRIORITY \
            srun --overlap -n1 $HIGHER true")
    ok 'a batch job with steps completes' wait_job "$job" COMPLETED 90
    is 'each step is told with what sbatch said' "$(priorities "$job")" '300 300 300 300'
    is 'and with its ladder' "$(wishes "$job")" '300 kill'

    job=$(MEMWARDEN_OOM_PRIORITY=310 submit --export=NONE --mem=50 --wrap "
        srun $HIGHER $(type -P true)")
    ok "so does one by sbatch's environment" wait_job "$job" COMPLETED 90
    is 'the same' "$(priorities "$job")" '310 310'

    job=$(submit --mem=50 --wrap "srun $HIGHER true")
    ok 'and one that asked for nothing' wait_job "$job" COMPLETED 90
    is 'it has the default' "$(priorities "$job")" '500 500'

    # shellcheck disable=SC2016
    as_user salloc --mem=50 --oom-priority=320 sh -c 'echo $SLURM_JOB_ID >alloc
        srun '"$HIGHER"' true; srun '"$LOWER"' true
        env -u SLURM_SPANK_MEMWARDEN_TAKEN srun '"$HIGHER"' true' >"$TMP/salloc" 2>&1
    is 'salloc and its steps run' "$?" 0
    is 'they have what salloc said' \
        "$(priorities "$(cat "$CLUSTER_DIR/out/alloc")")" '320 320 320'

    # shellcheck disable=SC2016
    as_user salloc --mem=50 sh -c 'echo $SLURM_JOB_ID >alloc; srun '"$HIGHER"' true' \
        >"$TMP/salloc" 2>&1
    is 'or the default' "$(priorities "$(cat "$CLUSTER_DIR/out/alloc")")" 500

    # shellcheck disable=SC2016
    as_user srun --mem=50 --oom-priority=330 sh -c 'echo $SLURM_JOB_ID' >"$TMP/id" 2>"$TMP/srun"
    is 'srun alone has its own' "$(priorities "$(cat "$TMP/id")")" 330
    # shellcheck disable=SC2016
    MEMWARDEN_OOM_PRIORITY=340 as_user srun --mem=50 sh -c 'echo $SLURM_JOB_ID' >"$TMP/id" 2>"$TMP/srun"
    is 'or its environment' "$(priorities "$(cat "$TMP/id")")" 340

    # the batch script's slurmstepd waits, until a step from outside was there
    cat >"$TMP/late.c" <<END
#include <slurm/spank.h>
#include <stdlib.h>
#include <unistd.h>
SPANK_PLUGIN (late, 1)
int slurm_spank_init_post_opt (spank_t sp, int ac, char **av)
{
    unsigned step = 0;

    (void) ac;
    (void) av;
    if (spank_remote (sp) != 1)
        return 0;
    spank_get_item (sp, S_JOB_STEPID, &step);
    while (step == (unsigned) -5 && access ("$CLUSTER_DIR/out/go", F_OK))
        usleep (20000);
    return 0;
}
END
    ok 'a plugin that holds back batch scripts' \
        cc -shared -fPIC -o "$CLUSTER_DIR/plugins/late.so" "$TMP/late.c"
    echo "optional $CLUSTER_DIR/plugins/late.so" >>"$CLUSTER_DIR/plugstack.conf"
    job=$(submit -n2 --mem=50 --oom-priority=350 --on-oom=kill --wrap "
        srun --overlap -n1 $HIGHER true")
    ok 'its job is running' wait_job "$job" RUNNING 60
    # shellcheck disable=SC2086
    as_user srun --jobid="$job" --overlap -n1 $HIGHER true >"$TMP/outside" 2>&1
    is 'a step from outside comes first' "$?$(cat "$TMP/outside")" 0
    is 'with what its user likes, yet' "$(last_priority "$job")" 900
    : >"$CLUSTER_DIR/out/go"
    ok 'the batch script comes' wait_job "$job" COMPLETED 90
    is "it and what follows have the job's" "$(wishes "$job")" '350 kill'
    [ -n "$contain" ] ||
        ok 'the warden is told to forget what it has heard' \
            grep -q "^release.*$job" "$RECORD"

    _forgotten () { [ -z "$(ls "$CLUSTER_DIR/run/jobs")" ]; }
    ok 'no record is left of any of them' wait_for 20 _forgotten
    recorder_stop
    cluster_stop
done
done_testing
