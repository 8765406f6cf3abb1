# cluster.sh - a throw-away Slurm cluster in one private directory
#
#   cluster_start [OPTION…]      0 when every node is IDLE; else says why; sets
#                                variables, so not to be called in a subshell
#     --nodes N                  several slurmd on this machine (default 1)
#     --cpus N                   CPUs configured for each (default 8)
#     --memory MB                RealMemory of each (default 2000)
#     --plugins none|spank|task|both   of ours, from $MW_BUILD (default none)
#     --plugstack-args ARGS      behind spank_memwarden.so and socket=…
#     --socket PATH              where they look for a warden, below CLUSTER_DIR,
#                                with a slurmd's own %n (default run/warden.sock)
#     --slurm-conf-line LINE     more of slurm.conf (may be repeated)
#     --cgroup-conf-line LINE    more of cgroup.conf (may be repeated)
#     --no-contain               without the extern step
#     --affinity                 task/affinity before task/cgroup
#     --gpus N                   as many on each node, files for devices (default 0)
#     --accounting               with a slurmdbd (accounting.sh)
#     --no-memcg                 so that Slurm makes no memory cgroup at all
#     --configless               slurmd has its files from the controller, and a /run of its
#                                own for them, with this SLURM_CONF for nobody there
#   cluster_stop                 no process, cgroup or file is left; also after a
#                                start that failed half way; may be called twice
#   slurmctld_stop, slurmctld_start      for a controller that is away
#   slurmd_restart [-9] [-b]     CLUSTER_NODE's, ended in order or by SIGKILL, and
#                                started as after a reboot
#   slurmstepds_kill             CLUSTER_NODE's, as a crash does
#   submit [--root] SBATCH-ARGS  prints the job id; the job is nobody's, its
#                                output is $CLUSTER_DIR/out/ID.out and .err
#   as_user COMMAND…             as that same user, in $CLUSTER_DIR/out
#   job_field ID NAME            of `scontrol show job` (JobState, Comment, …)
#   job_state ID
#   node_state [NODE]            as sinfo says it (idle, mixed, …); CLUSTER_NODE's
#   wait_job ID ERE SECONDS      until its state matches
#   cluster_logs                 the ends of all logs, as TAP comments
#
# Sets CLUSTER_DIR, CLUSTER_NODE (the first), CLUSTER_NODES, CLUSTER_SOCKET
# (where the plugins look for the warden) and exports SLURM_CONF.  Ports and
# node names are this shell's own, so that several clusters run side by side,
# and the daemons listen on the loopback only.  Needs root.

MW_SRC=${MW_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
MW_BUILD=${MW_BUILD:-$MW_SRC/build}
. "$MW_SRC/test/lib/wait.sh"
. "$MW_SRC/test/lib/accounting.sh"
CLUSTER_USER=${CLUSTER_USER:-nobody}
CLUSTER_DIR=

_cluster_say () { echo "cluster: $*" >&2; }

_cluster_options () {
    _c_nodes=1 _c_cpus=8 _c_memory=2000 _c_plugins=none _c_args=
    _c_socket=run/warden.sock
    _c_lines=() _c_cgroup=() _c_contain=yes _c_memcg=yes
    _c_task=task/cgroup _c_gpus=0 _c_node= _c_include= _c_configless= _c_dbd_port=
    while [ $# -gt 0 ]; do
        case $1 in
            --nodes) _c_nodes=$2; shift ;;
            --cpus) _c_cpus=$2; shift ;;
            --memory) _c_memory=$2; shift ;;
            --plugins) _c_plugins=$2; shift ;;
            --plugstack-args) _c_args=$2; shift ;;
            --socket) _c_socket=$2; shift ;;
            --slurm-conf-line) _c_lines+=("$2"); shift ;;
            --cgroup-conf-line) _c_cgroup+=("$2"); shift ;;
            --no-contain) _c_contain= ;;
            --affinity) _c_task=task/affinity,task/cgroup ;;
            --gpus) _c_gpus=$2; shift ;;
            --node) _c_node=$2; shift ;;
            --include) _c_include=yes ;;
            --configless) _c_configless=yes _c_lines+=(SlurmctldParameters=enable_configless) ;;
            --no-memcg) _c_memcg= ;;
            --accounting) _c_dbd_port=yes ;;
            *) _cluster_say "unknown option '$1'"; return 1 ;;
        esac
        shift
    done
}

_cluster_systemd () { [ -d /run/systemd/system ]; }

_cluster_v2 () { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# A port nobody listens on, below those the kernel hands out itself
_cluster_port () {
    local p
    while :; do
        p=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
        grep -q ":$(printf %04X $p) .* 0A " /proc/net/tcp || { echo $p; return; }
    done
}

_cluster_plugindir () {
    local d
    for d in /usr/lib/*/slurm-wlm /usr/lib64/slurm /usr/lib/slurm; do
        [ -e "$d/task_cgroup.so" ] && { echo "$d"; return; }
    done
    _cluster_say "no Slurm plugin directory found (Debian: slurmd)"
    return 1
}

# In seconds.  A requeued job waits that long and more before it starts again; but
# a step that a slow machine has not launched by then fails ("credential expired").
_cluster_cred_expire () { [ "${MW_SLOW:-1}" -gt 1 ] && echo 30 || echo 5; }

# Our plugins are copied: the user's sbatch loads them too, and the build tree
# may lie where only root can read.  Where MW_PLUGINS is empty they are installed.
_cluster_plugins () {
    local so wanted='' from=${MW_PLUGINS-$MW_BUILD/plugin/.libs} dir=
    : >"$CLUSTER_DIR/plugstack.conf"
    case $_c_plugins in
        none) ;;
        spank) wanted=spank_memwarden ;;
        task) wanted=task_memwarden ;;
        both) wanted='spank_memwarden task_memwarden' ;;
        *) _cluster_say "no plugins '$_c_plugins'"; return 1 ;;
    esac
    if [ -n "$from" ]; then
        dir=$CLUSTER_DIR/plugins/
        for so in $wanted; do install -m 755 "$from/$so.so" "$dir" || return 1; done
    fi
    case $_c_plugins in spank|both)
        echo "optional ${dir}spank_memwarden.so" \
            "socket=$CLUSTER_SOCKET $_c_args" >"$CLUSTER_DIR/plugstack.conf"
    esac
}

_cluster_conf () {
    local d=$CLUSTER_DIR host plugindir task=$_c_task gather=cgroup node i
    host=$(hostname -s) plugindir=$(_cluster_plugindir) || return 1
    case $_c_plugins in task|both) task=$_c_task,task/memwarden ;; esac
    [ -n "$_c_memcg" ] || gather=linux
    [ -z "$_c_dbd_port" ] || _c_dbd_port=$(_cluster_port)
    {
        cat <<END
ClusterName=$CLUSTER_NODE
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(_cluster_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$d/run/munge.sock,cred_expire=$(_cluster_cred_expire)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
PluginDir=$d/plugins:$plugindir
PlugStackConfig=$d/plugstack.conf
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool-%n
SlurmctldPidFile=$d/run/slurmctld.pid
SlurmdPidFile=$d/run/slurmd-%n.pid
SlurmctldLogFile=$d/log/slurmctld.log
SlurmdLogFile=$d/log/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/cgroup
TaskPlugin=$task
JobAcctGatherType=jobacct_gather/$gather
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ReturnToService=2
KillWait=2
MinJobAge=86400
${_c_contain:+PrologFlags=Contain}
END
        [ -z "$_c_dbd_port" ] || _accounting_lines "$_c_dbd_port"
        [ "$_c_gpus" = 0 ] || echo GresTypes=gpu
        for node in $CLUSTER_NODES; do
            echo "NodeName=$node NodeHostname=$host NodeAddr=127.0.0.1" \
                "Port=$(_cluster_port) CPUs=$_c_cpus RealMemory=$_c_memory" \
                "State=UNKNOWN $_c_node $([ "$_c_gpus" = 0 ] || echo "Gres=gpu:$_c_gpus")"
        done
        echo "PartitionName=p Nodes=ALL Default=YES State=UP"
        [ ${#_c_lines[@]} -eq 0 ] || printf '%s\n' "${_c_lines[@]}"
    } >"$d/slurm.conf"
    if [ -n "$_c_include" ]; then
        grep '^NodeName=' "$d/slurm.conf" >"$d/nodes.conf"
        sed -i "s|^NodeName=.*|Include $d/nodes.conf|" "$d/slurm.conf"
    fi
    # what is sent is plugstack.conf beside slurm.conf
    [ -z "$_c_configless" ] || sed -i '/^PlugStackConfig=/d' "$d/slurm.conf"
    {
        [ -z "$_c_memcg" ] || echo ConstrainRAMSpace=yes
        if _cluster_v2; then
            echo CgroupPlugin=cgroup/v2
            _cluster_systemd || echo IgnoreSystemd=yes
        else
            echo CgroupPlugin=cgroup/v1
        fi
        [ ${#_c_cgroup[@]} -eq 0 ] || printf '%s\n' "${_c_cgroup[@]}"
    } >"$d/cgroup.conf"
    for ((i = 0; i < _c_gpus; i++)); do
        : >"$d/gpu$i"
        echo "Name=gpu File=$d/gpu$i" >>"$d/gres.conf"
    done
    [[ ${_c_lines[*]:-} != *job_container/tmpfs* ]] ||
        printf '%s\n' AutoBasePath=yes "BasePath=$d/container" >"$d/job_container.conf"
}

_cluster_pid_of () {        # PIDFILE COMM: a live process of that name
    local pid comm
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
    comm=$(cat "/proc/$pid/comm" 2>/dev/null) && [ "$comm" = "$2" ] &&
        echo "$pid"
}

_cluster_gone () { [ ! -d "/proc/$1" ]; }

_cluster_end () {           # PIDFILE COMM: TERM, and KILL after 10 s
    local pid
    pid=$(_cluster_pid_of "$1" "$2") || return 0
    kill "$pid" 2>/dev/null
    wait_for 10 _cluster_gone "$pid" && return 0
    kill -9 "$pid" 2>/dev/null
    wait_for 10 _cluster_gone "$pid"
}

_cluster_munged () {
    local d=$CLUSTER_DIR
    (umask 077; mkdir "$d/key" && head -c 1024 /dev/urandom >"$d/key/key")
    munged --socket="$d/run/munge.sock" --key-file="$d/key/key" \
        --pid-file="$d/run/munged.pid" --log-file="$d/key/munged.log" \
        --seed-file="$d/key/seed" 2>>"$d/log/munged.err"
}

# cgroup v2 without systemd: slurmd wants to find itself in a service below
# system.slice, with the controllers handed down to it.  22.05 takes the newline
# behind the last controller for a part of its name: memory must not be last.  Where
# jobs are in a slice of their own (CgroupSlice, since 25.11), that is made, too.
_cluster_v2_service () {    # NODE: prints the service's directory
    local top=/sys/fs/cgroup slice=/sys/fs/cgroup/system.slice c wanted='' own
    own=$(_cluster_slice)
    mkdir -p "$slice/slurmd_$1.service" "$own" || return 1
    for c in cpuset cpu memory pids; do     # a kernel for one processor has no cpuset
        ! grep -qw $c $top/cgroup.controllers || wanted="$wanted +$c"
    done
    echo "$wanted" >$top/cgroup.subtree_control &&
        echo "$wanted" >$slice/cgroup.subtree_control &&
        echo "$wanted" >"$own/cgroup.subtree_control" &&
        echo "$slice/slurmd_$1.service"
}
_cluster_slice () {
    local name
    name=$(sed -n 's/^CgroupSlice=//p' "$CLUSTER_DIR/cgroup.conf")
    echo "/sys/fs/cgroup/${name:-system.slice}"
}

# Before slurmd has its slurm.conf, munge is where it always is
_cluster_configless () {    # SLURMD-ARG…
    # shellcheck disable=SC2016    # for the shell that has its own mounts
    unshare -m sh -c 'mount -t tmpfs -o mode=755 run /run && mkdir /run/munge &&
        ln -s "$1" /run/munge/munge.socket.2 && shift && exec env -u SLURM_CONF slurmd "$@"' \
        - "$CLUSTER_DIR/run/munge.sock" \
        --conf-server "127.0.0.1:$(sed -n 's/^SlurmctldPort=//p' "$CLUSTER_DIR/slurm.conf")" "$@"
}

_cluster_slurmd () {        # NODE [-b] [-Z …]
    local service slurmd=slurmd
    [ -z "$_c_configless" ] || slurmd=_cluster_configless
    if _cluster_v2 && _cluster_systemd; then
        systemd-run --quiet --unit="slurmd_$1" -p Type=forking -p Delegate=yes \
            -p PIDFile="$CLUSTER_DIR/run/slurmd-$1.pid" -p KillMode=process \
            -E SLURM_CONF="$SLURM_CONF" "$(command -v slurmd)" -N "$@" \
            2>>"$CLUSTER_DIR/log/slurmd.err"
    elif _cluster_v2; then
        service=$(_cluster_v2_service "$1") || return 1
        (echo $BASHPID >"$service/cgroup.procs" &&
            export INVOCATION_ID=1 && $slurmd -N "$@") 2>>"$CLUSTER_DIR/log/slurmd.err"
    else
        $slurmd -N "$@" 2>>"$CLUSTER_DIR/log/slurmd.err"
    fi
}

slurmd_restart () {
    local pid sig=-TERM
    [ "${1:-}" != -9 ] || { sig=-9; shift; }
    pid=$(cat "$CLUSTER_DIR/run/slurmd-$CLUSTER_NODE.pid")
    kill "$sig" "$pid"
    wait_for 60 _cluster_gone "$pid"
    ! _cluster_v2 || ! _cluster_systemd ||
        systemctl reset-failed "slurmd_$CLUSTER_NODE" 2>/dev/null
    _cluster_slurmd "$CLUSTER_NODE" "$@"
}

slurmctld_start () {
    slurmctld 2>>"$CLUSTER_DIR/log/slurmctld.err" &&
        wait_for 20 scontrol ping -o
}

slurmctld_stop () { _cluster_end "$CLUSTER_DIR/run/slurmctld.pid" slurmctld; }

_cluster_idle () {
    local node
    for node in $CLUSTER_NODES; do
        [ "$(node_state "$node")" = idle ] || return 1
    done
}

_cluster_try () {
    local node d
    CLUSTER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/mwc.XXXXXX") || return 1
    d=$CLUSTER_DIR
    export SLURM_CONF=$d/slurm.conf
    CLUSTER_SOCKET=$d/$_c_socket
    export MEMWARDEN_SOCKET=$CLUSTER_SOCKET    # task_memwarden.so has no arguments
    chmod 755 "$d" && mkdir "$d"/{run,log,state,plugins,out} &&
        chmod 1777 "$d/out" && _cluster_plugins && _cluster_conf &&
        _cluster_munged && { [ -z "$_c_dbd_port" ] || _accounting_start "$_c_dbd_port"; } &&
        slurmctld_start || return 1
    for node in $CLUSTER_NODES; do _cluster_slurmd "$node" || return 1; done
    wait_for 30 _cluster_idle
}

cluster_start () {
    local i var
    _cluster_options "$@" || return 1
    [ "$(id -u)" = 0 ] || { _cluster_say "needs root"; return 1; }
    for var in ${!SLURM_@} ${!SBATCH_@} ${!SRUN_@}; do unset "$var"; done
    CLUSTER_NODES=
    for ((i = 1; i <= _c_nodes; i++)); do CLUSTER_NODES+=" mw$$n$i"; done
    CLUSTER_NODES=${CLUSTER_NODES# }
    CLUSTER_NODE=${CLUSTER_NODES%% *}
    if declare -F at_exit >/dev/null; then
        at_exit cluster_stop
        at_failure 'cp -r "$CLUSTER_DIR"/{log,out,*.conf} .
                    timeout 60 scontrol show job >jobs'
    fi
    # someone else may have taken a port between our look and the daemon's bind
    for i in 1 2 3; do
        _cluster_try && return 0
        _cluster_say "attempt $i: the nodes did not become IDLE"
        [ "$i" -lt 3 ] || cluster_logs >&2
        cluster_stop
    done
    return 1
}

cluster_logs () {
    local f
    for f in "$CLUSTER_DIR"/log/*; do
        [ -s "$f" ] || continue
        echo "# == $f"
        tail -n 15 "$f" | sed 's/^/# /'
    done
}

# The cgroup directories that Slurm has made for our nodes, in any hierarchy
_cluster_cgroups () {
    local node
    for node in $CLUSTER_NODES; do
        ls -d "/sys/fs/cgroup/slurm_$node" /sys/fs/cgroup/*/"slurm_$node" \
            "$(_cluster_slice)/${node}_slurmstepd.scope" \
            "/sys/fs/cgroup/system.slice/slurmd_$node.service" 2>/dev/null
    done
}

# Kill what is in the cgroup directories $@ and remove them; fails while tasks
# die.  What is frozen in one hierarchy cannot die in another: thawed first.
_cluster_rmcgroups () {
    local d f pids
    for f in $(find "$@" -name freezer.state); do echo THAWED >"$f"; done
    for f in $(find "$@" -name cgroup.freeze); do echo 0 >"$f"; done
    pids=$(find "$@" -name cgroup.procs -exec cat {} + | sort -u)
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -9 $pids
    while read -r d; do rmdir "$d"; done < <(find "$@" -depth -type d)
    [ -z "$(_cluster_cgroups)" ]
} 2>/dev/null

# Ours by its environment: where no cgroup was made for a step, nothing else tells
slurmstepds_kill () {
    local p
    for p in $(pgrep -x slurmstepd); do
        grep -zqsx "SLURM_CONF=$CLUSTER_DIR/slurm.conf" "/proc/$p/environ" &&
            kill -9 "$p" 2>/dev/null
    done
}

cluster_stop () {
    local node cg enders=()
    [ -n "${CLUSTER_DIR:-}" ] && [ -d "$CLUSTER_DIR" ] || return 0
    slurmctld_stop & enders+=($!)
    for node in $CLUSTER_NODES; do
        _cluster_end "$CLUSTER_DIR/run/slurmd-$node.pid" slurmd & enders+=($!)
    done
    wait "${enders[@]}"
    slurmstepds_kill
    cg=$(_cluster_cgroups)
    # shellcheck disable=SC2086
    [ -z "$cg" ] || wait_for 30 _cluster_rmcgroups $cg ||
        _cluster_say "could not remove" "$(_cluster_cgroups)"
    _accounting_stop
    _cluster_end "$CLUSTER_DIR/run/munged.pid" munged
    rm -rf "$CLUSTER_DIR"
    CLUSTER_DIR=
    unset SLURM_CONF
}

as_user () {
    (cd "$CLUSTER_DIR/out" && exec setpriv --reuid "$(id -u "$CLUSTER_USER")" \
        --regid "$(id -g "$CLUSTER_USER")" --clear-groups \
        env HOME="$CLUSTER_DIR/out" USER="$CLUSTER_USER" "$@")
}

submit () {
    local as=as_user
    [ "$1" != --root ] || { as="env"; shift; }
    $as sbatch --parsable -D "$CLUSTER_DIR/out" -o "$CLUSTER_DIR/out/%j.out" \
        -e "$CLUSTER_DIR/out/%j.err" "$@"
}

job_field () {
    scontrol show job -o "$1" 2>/dev/null | head -n 1 | tr ' ' '\n' |
        sed -n "s/^$2=//p" | head -n 1
}

job_state () { job_field "$1" JobState; }

_cluster_job_is () { [[ $(job_state "$1") =~ ^($2)$ ]]; }

# Of all nodes: asked for one only (sinfo -n), slurmctld does not count anew what is
# allocated there, and goes on saying "mixed" of a node whose last job has ended.
node_state () {
    sinfo -h -N -o '%N %T' | sed -n "s/^${1:-$CLUSTER_NODE} //p" | head -n 1
}

wait_job () {
    wait_for "$3" _cluster_job_is "$1" "$2" && return 0
    echo "job $1 is '$(job_state "$1")', not $2: it was waited for in vain" >&2
    return 1
}
