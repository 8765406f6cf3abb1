# readme_install.t - who follows README's "Installation on a cluster" word for word,
# on a node with munge, slurmctld and slurmd by their packages' own units and Slurm's
# own user, has what README says: the units work and doctor finds nothing amiss, a
# job that is killed is OUT_OF_MEMORY and says why, one is checkpointed and requeued
# with more memory until it has enough, one is lent what it lacks
# runs: systemd
# in-vm: newest-systemd
# takes: 220 s
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/install.sh"
[ -d /run/systemd/system ] || skip_all "systemd does not run here"
[ ! -e /etc/slurm/slurm.conf ] || skip_all "there is a Slurm cluster here"
cd "$MW_SRC" || exit 1
host=$(hostname -s)
# shellcheck disable=SC2034    # for at_failure
units='memwarden-courier memwardend slurmd slurmctld munge'
at_failure 'systemctl --no-pager status $units; journalctl --no-pager -b | tail -n 400;
    cp /var/log/slurm/*.log /var/log/memwarden.log /home/alice/*.err .; scontrol show job'
at_exit 'systemctl disable --now $units; rm -f /etc/slurm/{slurm,cgroup}.conf'

# ---- the node as it was before ---------------------------------------------------
useradd --create-home alice
install -m 755 "$MW_BUILD/test/bin/touchmem" /usr/local/bin/
cat >/etc/slurm/slurm.conf <<END
ClusterName=vm
SlurmctldHost=$host
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
# a requeued job need not wait two minutes
AuthInfo=cred_expire=30
MpiDefault=none
# a VM may have one processor only
SlurmdParameters=config_overrides
ReturnToService=2
MessageTimeout=60
MinJobAge=86400
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1200 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES State=UP
END
must 'munge and Slurm run by their own units' systemctl enable --now munge slurmctld slurmd
up () { [ "$(sinfo -h -o %T)" = idle ]; }
must 'the node is idle' wait_for 60 up

# ---- README's steps ---------------------------------------------------------------
# its indented lines are what is to be typed, in order
sed -n '/^## Installation on a cluster/,/^To try it without risk/s/^    \{1,\}\([^ ]\)/\1/p' \
    README.md >"$TMP/steps"
is 'README has its steps' "$(wc -l <"$TMP/steps")" 13
shown=
# typed LINE: as a reader would do it
typed () {
    local line=${1%% #*} opts
    case $line in
        contrib/install-deps*) ;;       # the machine that built it has them
        ./autogen.sh*)
            # likewise; but by these options
            opts=$("$MW_BUILD/config.status" --config | tr -d "'")
            for o in ${line#*./configure }; do [[ " $opts " = *" $o "* ]] || return 1; done ;;
        'make && make check && make install') install_memwarden ;;
        *) bash -ec "$line" ;;
    esac
}
while IFS= read -r step <&3; do
    # shellcheck disable=SC2154    # tap.sh counts in it
    before=$_bad
    if typed "$step" >"$TMP/typed" 2>&1; then pass "$step"; else fail "$step" "$(tail -n 20 "$TMP/typed")"; fi
    # where the processor is emulated the controller is as slow as all else
    [[ $step != *install*/etc/memwarden/memwarden.conf ]] ||
        echo "controller-timeout = \"$((10 * ${MW_SLOW:-1}))s\"" >>/etc/memwarden/memwarden.conf
    [ "$step" != 'memwarden doctor' ] || shown=$(cat "$TMP/typed")
    [ "$_bad" -eq "$before" ] || { done_testing; exit 1; }
done 3<"$TMP/steps"

for u in memwardend memwarden-courier; do
    is "$u is active" "$(systemctl is-active $u)" active
    is "$u has not been started again" "$(systemctl show -p NRestarts --value $u)" 0
done
like 'doctor: the courier works as slurm' "$shown" '^ok +courier +process [0-9]+ works as slurm'
for item in 'memory cgroups' warden Slurm 'memwarden in Slurm' task/cgroup \
    ConstrainRAMSpace PrologFlags=Contain; do
    like "doctor: $item" "$shown" "^ok +$item "
done
is 'it is slurm that it runs as' \
    "$(stat -c %U "/proc/$(systemctl show -p MainPID --value memwarden-courier)")" slurm
must 'the node is idle again' wait_for 60 up

# ---- an ordinary user's jobs ------------------------------------------------------
cd /home/alice || exit 1
submit () {     # NAME SBATCH-ARGS…, the script on stdin
    local name=$1; shift
    { echo '#!/bin/sh'; cat; } >"$name.sh"
    setpriv --reuid alice --regid alice --init-groups env HOME=/home/alice USER=alice \
        sbatch --parsable -J "$name" -o "$name.out" -e "$name.err" "$@" "$name.sh"
}
field () { scontrol show job "$1" | tr -s ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
comment () { scontrol show job "$1" | sed -n 's/^ *Comment=//p'; }
# ends NAME JOB STATE SECONDS: it ends, and so
ends () {
    wait_for "$4" over "$2"
    is "$1: $3" "$(field "$2" JobState)" "$3"
    [ "$(field "$2" JobState)" != "$3" ] || return 0
    { scontrol show job "$2"; memwarden events --job "$2"; cat "$1.err" "$1.out"
        tail -n 40 /var/log/slurm/slurmd.log; } 2>&1 | sed 's/^/# /'
}
over () { [[ ! $(field "$1" JobState) =~ ^(|PENDING|RUNNING|COMPLETING|CONFIGURING|SUSPENDED|REQUEUED?)$ ]]; }

killed=$(submit killed --mem=60M --on-oom=kill <<<'touchmem --size 200M')
grown=$(submit grown --mem=100M --on-oom='grow@10m,kill' <<<'touchmem --size 200M')
# shellcheck disable=SC2016
again=$(submit again --mem=100M --on-oom='signal=USR1@20s,requeue=x1.5' --open-mode=append \
    <<<'exec touchmem --size 200M --checkpoint checkpoint.${SLURM_RESTART_COUNT:-0} --go-on')
like 'three jobs are taken' "$killed $grown $again" '^[0-9]+ [0-9]+ [0-9]+$'

ends killed "$killed" OUT_OF_MEMORY 60
is 'killed: 0:125' "$(field "$killed" ExitCode)" 0:125
like 'killed: why, in its comment' "$(comment "$killed")" 'memwarden: .*(60|63)(\.[0-9])? MiB'
told () { grep -q "memwarden: .*job $killed" killed.err; }
ok 'killed: why, in its stderr' wait_for 30 told
is 'killed: found in the journal by its fields' "$(journalctl -b -o json --no-pager MEMWARDEN_JOB="$killed" \
    MEMWARDEN_STEP=kill | jq -r 'select(.MESSAGE | test ("to be killed")) | .MEMWARDEN_INCIDENT')" "$killed.1"
ends grown "$grown" COMPLETED 60
like 'grown: how' "$(memwarden why "$grown")" 'grow'

ends again "$again" COMPLETED 120
is 'requeued: twice' "$(field "$again" Restarts)" 2
asked=$(memwarden events --job "$again" | sed -n 's/.*to be requeued with --mem=\([0-9]*\)M.*/\1/p' | uniq | xargs)
like 'requeued: each time with more' "$asked" '^1[5-9][0-9] 2[2-9][0-9]$'
is 'requeued: and got it' "$(field "$again" MinMemoryNode)" "${asked#* }M"
is 'requeued: each time it had written its checkpoint' "$(echo checkpoint.*)" \
    'checkpoint.0 checkpoint.1'
is 'the courier works as ever' "$(systemctl show -p NRestarts --value memwarden-courier)" 0

# ---- a courier that cannot work ---------------------------------------------------
# One that another user starts, by a drop-in: the way the unit itself once was wrong
mkdir -p /run/systemd/system/memwarden-courier.service.d
at_exit 'rm -r /run/systemd/system/memwarden-courier.service.d; systemctl daemon-reload'
printf '[Service]\nUser=alice\n' >/run/systemd/system/memwarden-courier.service.d/user.conf
systemctl daemon-reload
if timeout 20 systemctl restart memwarden-courier 2>/dev/null; then
    fail 'a courier of another user does not start'
else
    pass 'a courier of another user does not start'
fi
unlike 'it is not called active' "$(systemctl is-active memwarden-courier)" '^active'
like 'both users are named' "$(journalctl -b --no-pager -u memwarden-courier)" \
    "it runs as uid $(id -u alice), but by courier .* the spool is slurm's"
like 'and doctor tells' "$(memwarden doctor)" '^broken +courier +none works'
done_testing
