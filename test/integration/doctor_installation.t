# doctor_installation.t - `memwarden doctor` goes with who installs: each thing that is
# wrong is named with the line or the command that makes it right, in which file, and
# the exit status is 1 where something is broken; --quiet says that alone, a line each
# runs: v1 native
# takes: 5 s
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all 'only root may look at all of it'
command -v gcc >/dev/null || skip_all 'no C compiler'
conf=$TMP/etc/slurm.conf
mkdir -p "$TMP/etc" "$TMP/plugins"

# so NAME VERSION [C]: a plugin for the Slurm of that SLURM_VERSION_NUMBER
so () {
    echo "const unsigned int plugin_version = $2; ${3:-}" |
        gcc -shared -fPIC -xc -o "$TMP/plugins/$1.so" -
}
put_conf () {
    printf '%s\n' "ClusterName=c" "PluginDir=$TMP/plugins" 'TaskPlugin=task/cgroup' \
        'PrologFlags=Contain' "$@" >"$conf"
}
# says ITEM [ARG…]: verdict, what was found, and what to do
says () {
    local item=$1; shift
    ${where:-} "$MEMWARDEN" doctor --json "$@" | jq -r --arg i "$item" \
        '.[] | select(.item == $i) | .verdict + "; " + .found + "; " + .fix'
}
slurm () { says "$1" --slurm="$conf"; }

# ---- slurm.conf alone --------------------------------------------------------------
mw doctor --slurm="$TMP/none.conf" >"$TMP/out"
is 'no slurm.conf: 1' $? 1
like 'it says how one is named' "$(cat "$TMP/out")" '=> name it: .*--slurm=FILE'
put_conf
echo ConstrainRAMSpace=yes >"$TMP/etc/cgroup.conf"
like 'not in plugstack.conf: the line' "$(slurm 'memwarden in Slurm')" \
    "^broken; .*; in $TMP/etc/plugstack.conf: optional spank_memwarden.so .*max_burst=x2"
mw doctor --slurm="$conf" >"$TMP/out"; is 'which is broken: 1' $? 1
unlike 'nothing of the node is looked at' "$(cat "$TMP/out")" 'warden  |courier|swap'

echo 'optional spank_memwarden.so max_burst=x2' >"$TMP/etc/plugstack.conf"
like 'a burst beyond AllowedRAMSpace: the line' "$(slurm AllowedRAMSpace)" \
    "^lacks; .*x2 of --mem; in $TMP/etc/cgroup.conf: AllowedRAMSpace=200"
mw doctor --slurm="$conf" --quiet >"$TMP/out"
is 'that is not broken: 0' "$? $(cat "$TMP/out")" '0 '
echo 'Include nowhere.conf' >>"$conf"
said=$(mw doctor --slurm="$conf" --quiet)
is 'broken: --quiet has one line, and 1' "$? $(wc -l <<<"$said")" '1 1'
like 'that says what and where' "$said" \
    "^memwarden: Slurm: $conf, line 5: cannot read $TMP/etc/nowhere.conf => "

# ---- the plugins -------------------------------------------------------------------
put_conf
export SLURM_CONF=$conf
like 'no .so: where it belongs' "$(says spank_memwarden.so)" \
    "^broken; $TMP/etc/plugstack.conf, line 1, wants .* not in $TMP/plugins; make install"
is 'where only slurm.conf is looked at that is no fault' \
    "$(slurm spank_memwarden.so | cut -d';' -f1)" n/a
so auth_none 0x181105
so spank_memwarden 0x160508 "
    #include <fcntl.h>
    __attribute__ ((constructor)) static void f (void) { creat (\"$TMP/run\", 0600); }"
like 'for another Slurm: both are named, and what to do' "$(slurm spank_memwarden.so)" \
    '^broken; .*for Slurm 22\.05\.8, and here is Slurm 24\.17\.5; build .* against Slurm 24\.17\.5'
is 'nothing in it was run' "$([ -e "$TMP/run" ] || echo not run)" 'not run'
so spank_memwarden 0x181101
like 'SPANK: the last number does not count' "$(says spank_memwarden.so)" '^ok; .*Slurm 24\.17\.1; '
so task_memwarden 0x181101
put_conf 'TaskPlugin=task/cgroup,task/memwarden'
like 'task: it does' "$(says task_memwarden.so)" '^broken; .*Slurm 24\.17\.1, and here is Slurm 24\.17\.5'
so task_memwarden 0x181105
like 'the same: nothing to say' "$(says task_memwarden.so)" '^ok; .*, for Slurm 24\.17\.5; $'
cp -L "$MW_BUILD/plugin/.libs/spank_memwarden.so" "$TMP/plugins/"
rm "$TMP/plugins/auth_none.so"
like 'the real one has a version, too' "$(says spank_memwarden.so)" '^ok; .*Slurm 2[0-9]\.[0-9]+\.[0-9]+ '

# ---- the warden and its sockets ----------------------------------------------------
like 'no warden: the command' "$(says warden)" '^broken; there is no socket .*; systemctl enable --now memwardend$'
chmod 755 "$TMP"
warden_start || exit 1
like 'it answers' "$(says warden)" '^ok; answers'
like 'its sockets are as they should' "$(says sockets)" '^ok; '
chmod 600 "$MEMWARDEN_SOCKET"
like 'a socket that is not for all: the command' "$(says sockets)" \
    "^broken; .*mode 0600; chmod 0666 $MEMWARDEN_SOCKET\$"
chmod 666 "$MEMWARDEN_SOCKET" "$MEMWARDEN_SOCKET.root"
like "root's that is for all" "$(says sockets)" "^broken; .*; chmod 0600 $MEMWARDEN_SOCKET.root\$"
chmod 600 "$MEMWARDEN_SOCKET.root"
chmod 777 "$TMP"
like 'a directory that anybody may write into' "$(says sockets)" "^broken; .*; chmod 0755 $TMP\$"
chmod 755 "$TMP"

# whose environment would say where the plugin asks: that of no slurmd of another test
where='unshare --pid --fork --mount-proc'
like "a plugin at another socket: the word" "$(says "the plugin's socket")" \
    "^broken; the plugin asks at /run/.*, the warden is at $MEMWARDEN_SOCKET; in .*/plugstack.conf, line 1, as a word: socket=$MEMWARDEN_SOCKET\$"
echo "optional spank_memwarden.so socket=$MEMWARDEN_SOCKET" >"$TMP/etc/plugstack.conf"
like 'with that word it is right' "$(says "the plugin's socket")" '^ok; '
where=

# ---- others ------------------------------------------------------------------------
like 'no courier: the command' "$(says courier --state-dir "$WARDEN_STATE")" \
    '^broken; none has ever worked here.*; systemctl enable --now memwarden-courier$'
cp "$(command -v sleep)" "$TMP/earlyoom"
"$TMP/earlyoom" 1000 &
other=$!
at_exit "kill $other"
is_it () { [ "$(cat "/proc/$other/comm")" = earlyoom ]; }
wait_for 10 is_it
like 'another OOM daemon: the command' "$(says 'other OOM daemons')" \
    "^broken; earlyoom runs \(process $other\); systemctl disable --now earlyoom\$"
mw doctor >"$TMP/out"; is 'all of it: 1' $? 1
like 'as text, each with its line' "$(grep -A2 '^broken other OOM daemons' "$TMP/out")" '=> systemctl disable'
done_testing
