# cli_login_node.t - who asks on a host without a warden, as a login node is, is told
# where the job is and what to type; Slurm's commands are asked, and have no more than
# a few seconds for their answer
# runs: v1 native
# takes: 5 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may make a namespace of processes'
mkdir "$TMP/bin"
# command NAME SCRIPT: one of Slurm's
command_ () { printf '#!/bin/sh\n%s\n' "$2" >"$TMP/bin/$1"; chmod 755 "$TMP/bin/$1"; }
# where no slurmd is to be seen, whatever else runs here
ask () { PATH=$TMP/bin:$PATH unshare --pid --fork --mount-proc "$MEMWARDEN" "$@" 2>&1; }

command_ scontrol 'case $4 in
    17) echo "JobId=17 JobName=x ReqNodeList=z9 ExcNodeList=(null) NodeList=n[03-05],m1 BatchHost=n03" ;;
    23) echo "JobId=23 NodeList=n1 AdminComment=memwarden: not this Comment=memwarden: job 23: killed; ask for --mem=2G Or x StdErr=/x=y" ;;
    24) echo "JobId=24 NodeList=n1 Comment=mine StdErr=/x" ;;
    18) echo "JobId=18 JobState=PENDING ReqNodeList=(null) NodeList=(null)" ;;
    21) echo "JobId=21 NodeList=$(hostname -s)" ;;
    *) exit 1 ;;
esac'
command_ sacct 'case $* in *"-j 19") echo "old7" ;; *"-j 25") echo "old8|memwarden: job 25: killed, x=2" ;; *"-j 20") echo "None assigned" ;; esac'
like 'a job that runs: where, and what to type' "$(ask why 17)" \
    'job 17 is on n\[03-05\],m1: ask there, as by  ssh n03 memwarden why 17$'
is 'the exit status is as ever' "$(ask why 17 >/dev/null; echo $?)" 5
like 'any command that has a job' "$(ask hold 17)" 'ssh n03 memwarden hold 17$'
like 'a step is in its job' "$(ask why 17.0)" 'ssh n03 memwarden why 17\.0$'
like 'one that the controller knows no longer: by the accounting' "$(ask why 19)" \
    'job 19 is on old7: ask there, as by  ssh old7 memwarden why 19$'
like 'why also tells what memwarden has left in its comment' "$(ask why 23)" \
    'Its comment, as Slurm has it:  memwarden: job 23: killed; ask for --mem=2G Or x$'
like 'and in the accounting' "$(ask why 25)" 'Slurm has it:  memwarden: job 25: killed, x=2$'
unlike 'nothing that others have written there' "$(ask why 24)" 'comment'
unlike 'nor where something else is asked' "$(ask hold 23)" 'comment'
unlike 'one that is on this host: nothing more' "$(ask why 21)" 'ask there'
for job in 18 20 22; do
    like "one that has no node, $job: a plain sentence" "$(ask why $job)" \
        "compute nodes: ask there, as by  ssh NODE memwarden why $job  \(scontrol"
done
like 'no job: so, too' "$(ask jobs)" 'ssh NODE memwarden jobs$'
like 'a name that is none of Slurm' "$(ask why 'run-5;x')" 'ssh NODE memwarden why run-5;x '
command_ scontrol 'echo "NodeList=$(printf "\033[2Jn1") Comment=memwarden: $(printf "\033[2J")"'
like 'what Slurm says steers no terminal' "$(ask why 17 | tail -n 1 | cat -v)" 'is on \?\[2Jn1'
unlike 'nor does a comment' "$(ask why 17)" $'\033'
command_ scontrol 'exec sleep 1000'
command_ sacct 'exec sleep 1000'
ok 'a controller that does not answer keeps nobody' timeout 60 bash -c "
    PATH=$TMP/bin:\$PATH '$MEMWARDEN' why 17; [ \$? = 5 ]"
done_testing
