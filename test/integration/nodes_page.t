# nodes_page.t - who types doc/nodes.md word for word on a node of Debian 13, with munge,
# slurmctld and slurmd by their packages' own units and Slurm's own user, has memwarden
# from packages of that release: in shadow, which changes nothing and tells, then live.
# They are upgraded as doc/upgrade.md says, while a job is held, which lives; and purged
# while a job runs, which runs on, and nothing is left
# runs: systemd
# in-vm: 13-systemd
# packages: deb
# takes: 200 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/packages.sh"
[ -d /run/systemd/system ] || skip_all "systemd does not run here"
[ -n "${MW_IN_VM:-}" ] || skip_all 'packages are installed: in a VM alone'
[ -x /usr/sbin/sshd ] || skip_all 'no sshd (Debian: openssh-server)'
packages deb
host=$(hostname -s)
touchmem=/usr/local/bin/touchmem
at_failure 'systemctl --no-pager status memwarden-courier memwardend slurmd slurmctld munge ssh
    journalctl --no-pager -b | tail -n 400
    cp /var/log/slurm/*.log /var/log/memwarden.log /home/alice/*.err .; scontrol show job'
# what made this tree left these out
rm -f /etc/dpkg/dpkg.cfg.d/99mmdebstrap /usr/sbin/policy-rc.d
# and this is a boot that ends here
rm -f /run/nologin

# ---- the cluster as it was before --------------------------------------------------
useradd --create-home alice
install -m 755 "$MW_BUILD/test/bin/touchmem" $touchmem
cat >/etc/slurm/slurm.conf <<END
ClusterName=vm
SlurmctldHost=$host
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
MpiDefault=none
# a VM may have one processor only
SlurmdParameters=config_overrides
ReturnToService=2
MessageTimeout=60
MinJobAge=86400
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=1200 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES State=UP
END
install -d -o slurm -g slurm /var/lib/slurm/slurmctld /var/log/slurm
install -d -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
echo 'StrictHostKeyChecking no' >/root/.ssh/config
must 'munge, Slurm and sshd run by their own units' systemctl start munge slurmctld slurmd ssh
up () { [ "$(sinfo -h -o %T)" = idle ]; }
must 'the node is idle' wait_for 60 up
must 'root reaches it by ssh' ssh "$host" true

# ---- an ordinary user's jobs -------------------------------------------------------
cd /home/alice || exit 1
submit () {     # NAME SBATCH-ARGS…: a job that is NAME's script
    local name=$1; shift
    setpriv --reuid alice --regid alice --init-groups env HOME=/home/alice USER=alice \
        sbatch --parsable -J "$name" -D /home/alice -o "$name.out" -e "$name.err" "$@" "$name.sh"
}
script () { printf '%s\n' '#!/bin/sh' "exec touchmem $2" >"/home/alice/$1.sh"; }
script big '--size 150M'
# below what the kernel kills at, so that it lives while it is nobody's
script held '--size 64M --stop-file /home/alice/held.end'
script runs '--size 20M --stop-file /home/alice/stop'
field () { scontrol show job "$1" | tr -s ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
in_state () { [ "$(field "$1" JobState)" = "$2" ]; }
# ends WHAT JOB STATE
ends () {
    ok "$1: $3" wait_for 40 in_state "$2" "$3"
    in_state "$2" "$3" || scontrol show job "$2" | sed 's/^/# /'
}
before_us=$(submit runs --mem=60M)
must 'a job runs before memwarden is there' wait_for 30 in_state "$before_us" RUNNING

# ---- the page ----------------------------------------------------------------------
# blocks PAGE HEADING: what is indented below it, each block as it is, up to a line of "--"
blocks () {
    awk -v from="${2:-}" '
        index ($0, "## ") == 1 { here = from == "" || index ($0, "## " from) == 1 }
        here && /^    / { print substr ($0, 5); open = 1; next }
        open { print "--"; open = 0 }
        END { if (open) print "--" }' "$MW_SRC/doc/$1"
}
# In one session, as it were: where one is, and $nodes, are kept
: >"$TMP/session"
typed () {          # BLOCK
    # shellcheck disable=SC2016    # for the session
    printf '%s\n' ". $TMP/session" "$1" \
        'printf "cd %q\nnodes=%q\n" "$PWD" "${nodes-}" >'"$TMP/session" >"$TMP/block"
    bash -e "$TMP/block" </dev/null >"$TMP/typed" 2>&1 && ! grep -E 'NOT DONE|LOOK HERE' "$TMP/typed"
}
type_block () {
    local block=$1
    case $block in
        contrib/install-deps*)  # was done by the host, with the rest of this
            block="mkdir -p /srv/memwarden; cp $PACKAGES/*.deb /srv/memwarden" ;;
        *'| grep shadow'*) shadow_job ;;
    esac
    if typed "$block"; then pass "${1%%$'\n'*}"; else
        fail "${1%%$'\n'*}" "$(tail -n 30 "$TMP/typed")"
        done_testing
        exit 1
    fi
    case $block in
        *'grep shadow'*) like 'it has told of it' "$(cat "$TMP/typed")" "^$host: .*shadow" ;;
        *'restart slurmd'*)
            must 'the node is up again' wait_for 60 nodes_up
            is 'the job of before runs on' "$(field "$before_us" JobState)" RUNNING ;;
    esac
}
nodes_up () { [[ $(sinfo -h -o %T) = @(idle|mixed) ]]; }
shadow_job () {
    local job
    job=$(submit big --mem=60M --on-oom=grow@10m,kill)
    ends 'in shadow, as Slurm alone ends it' "$job" OUT_OF_MEMORY
    like 'and why says what would have been done' "$(memwarden why "$job")" 'would have begun with grow'
    is 'but nobody has told the user' "$(field "$job" Comment)" ''
}
type_page () {      # PAGE [HEADING]
    local line block=
    while IFS= read -r line <&4; do
        [ "$line" = -- ] || { block+=$line$'\n'; continue; }
        type_block "${block%$'\n'}"
        block=
    done 4< <(blocks "$@")
}
is 'the page has its blocks' "$(blocks nodes.md '' | grep -c '^--$')" 11
type_page nodes.md
is 'doctor says no word more' "$(memwarden doctor --quiet)" ''
like 'all of it is from packages of this release' "$(dpkg-query -W -f '${Version}\n' memwarden memwarden-slurm-plugins | sort -u)" \
    "\+slurm$(slurmd -V | sed 's/.* //')$"

# ---- live --------------------------------------------------------------------------
grown=$(submit big --mem=60M --on-oom=grow@10m,kill)
killed=$(submit big --mem=60M --on-oom=kill)
held=$(submit held --mem=60M --on-oom=hold@30m,kill)
ends 'live, what is grown' "$grown" COMPLETED
ends 'what is killed' "$killed" OUT_OF_MEMORY
like 'has a comment' "$(scontrol show job "$killed")" 'Comment=memwarden: .*killed'
in_hold () { memwarden jobs | grep "^$held .*hold"; }
must 'one is held' wait_for 30 in_hold

# ---- the next memwarden, by the other page ------------------------------------------
higher () {         # DEB
    local dir=$TMP/higher/${1##*/}
    mkdir -p "$TMP/higher" /srv/memwarden/next && dpkg-deb -R "$1" "$dir" &&
        sed -i 's/0\.1\.0-1/0.1.0-2/' "$dir/DEBIAN/control" &&
        dpkg-deb -Znone -b "$dir" "/srv/memwarden/next/${1##*/}" >/dev/null
}
for d in "$PACKAGES"/memwarden{,-slurm-plugins}_*.deb; do must "a next ${d##*/}" higher "$d"; done
main_pid () { systemctl show -p MainPID --value memwardend; }
was=$(main_pid)
type_page upgrade.md memwarden
like 'it is the next one' "$(dpkg-query -W -f '${Version}' memwarden)" '^0\.1\.0-2\+slurm'
is 'the configuration is as it was' "$(cat /etc/memwarden/memwarden.conf)" "$(cat /srv/memwarden/memwarden.conf)"
another () { [ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$was" ]; }
ok 'another warden runs' wait_for 30 another
ok 'and holds who was held' wait_for 30 in_hold
is 'which lives' "$(field "$held" JobState)" RUNNING
ok 'it is given room' memwarden set "$held" --limit 120M
touch /home/alice/held.end
ends 'and then' "$held" COMPLETED

# ---- away with it -------------------------------------------------------------------
purge () { DEBIAN_FRONTEND=noninteractive apt-get purge -y memwarden; }
ok 'apt-get purges memwarden' purge
is 'no warden, no courier' "$(pgrep -l '^memwarden')" ''
is 'a job that ran runs on' "$(field "$before_us" JobState)" RUNNING
sed -i /memwarden/d /etc/slurm/plugstack.conf
ok 'and the plugins' env DEBIAN_FRONTEND=noninteractive apt-get purge -y memwarden-slurm-plugins
is 'nothing is left' "$(find /etc /run /var /usr -xdev -name '*memwarden*' ! -path "$MW_SRC/*" ! -path '/run/vm/*' 2>/dev/null |
    grep -vE '/var/(log/journal|lib/(dpkg|apt))/')" ''
touch /home/alice/stop
ends 'the job of before' "$before_us" COMPLETED
done_testing
