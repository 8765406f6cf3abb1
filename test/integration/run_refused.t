# runs: v1 v2
# in-vm: 6.12-v2
# Bad input to `memwarden run` is refused with 2 and a sentence that says what
# is allowed; nothing is made.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"

# refused NAME ERE ARG…
refused () {
    local name=$1 ere=$2 out rc; shift 2
    out=$(mw run --pool "$WARDEN_POOL" "$@" 2>&1); rc=$?
    like "$name" "$rc $out" "^2 .*($ere)"
}
refused "priority 1001" '0 to 1000' --priority 1001 --reservation 1G -- touch "$TMP/ran"
refused "a negative size" 'negative' --reservation -1G -- touch "$TMP/ran"
refused "an overflowing size" 'too large' --reservation 99999999999G -- touch "$TMP/ran"
refused "a size without a unit" 'unit' --reservation 100 -- touch "$TMP/ran"
refused "an unknown step" 'allowed are hold, grow' --reservation 1G --on-oom 'grow,explode' -- touch "$TMP/ran"
out=$(mw run --reservation 1G --on-oom 'grow,explode' -- true 2>&1)
like "with a caret" "$out" '\^'
refused "a limit below the reservation" 'below the reservation' --reservation 1G --limit 512M -- touch "$TMP/ran"
refused "a burst below the reservation" 'below the reservation' --reservation 1G --burst x0.5 -- touch "$TMP/ran"
refused "limit and burst" 'give one' --reservation 1G --limit 2G --burst x2 -- touch "$TMP/ran"
refused "no reservation" 'reservation' -- touch "$TMP/ran"
refused "no command" 'command' --reservation 1G
refused "a name that leads elsewhere" 'not a name' --name ../../x --reservation 1G -- touch "$TMP/ran"
refused "an unknown option" 'explode' --explode --reservation 1G -- touch "$TMP/ran"
is "none of them ran anything" "$(ls "$TMP/ran" 2>/dev/null)" ''
is "none of them made a pool" "$(find /sys/fs/cgroup -maxdepth 2 -name "$WARDEN_POOL")" ''
done_testing
