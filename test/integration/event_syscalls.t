# event_syscalls.t - between an event and its deed the warden makes only the calls of a
# written list (test/data/event_syscalls), and those on cgroupfs, proc and its own
# eventfds and timers alone: there is none that a user, a disk or a network could keep
# waiting.
# runs: v1 v2
# takes: 32 s
# in-vm: 6.12-v2
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"
allowed=$(sed 's/#.*//' "$MW_SRC/test/data/event_syscalls" | xargs)

traced () { grep -qs '^TracerPid:[[:space:]]*[1-9]' "/proc/$1/status"; }
# A deed is what a job feels.  From each return of epoll_wait to the deed that follows
# before the next one: which calls, on what.  Prints those that are not allowed, and
# how many deeds there were.
judge () {
    awk -v allowed=" $allowed " -v state="$WARDEN_STATE" '
        function deed (line)
        {
            return line ~ /^(kill|pidfd_send_signal|prlimit64)\(/ && line !~ /, 0(, NULL)?\)/ ||
                line ~ /^p?write(64)?\([0-9]+<[^>]*(freezer\.state|cgroup\.(freeze|kill)|memory\.(limit_in_bytes|max|high|reclaim|force_empty))>/
        }
        function is_ours (path)
        {
            return index (path, state) == 1 ||
                path ~ /^(\/sys\/fs\/cgroup|\/sys\/devices\/system\/cpu|\/proc|\/dev\/kmsg|anon_inode:|pid:)/
        }
        function good (line,    name, path)
        {
            name = line
            sub (/\(.*/, "", name)
            if (!index (allowed, " " name " "))
                return 0
            while (match (line, /<[^>]*>/)) {
                path = substr (line, RSTART + 1, RLENGTH - 2)
                line = substr (line, RSTART + RLENGTH)
                if (!is_ours(path) && !(name == "recvmsg" && path ~ /^socket:/))
                    return 0
            }
            return 1
        }
        /^epoll_wait\(/ { n = 0; next }
        /^[a-z0-9_]+\(/ {
            gsub (/AT_FDCWD<[^>]*>/, "AT_FDCWD")
            sub (/\(AT_FDCWD, "/, "(AT_FDCWD, <")
            if (/AT_FDCWD, </)
                sub (/",/, ">,")
            if (n < 100000)
                seen[n++] = $0
            if (!deed($0))
                next
            deeds++
            for (i = 0; i < n; i++)
                if (!good(seen[i]))
                    print "not allowed: " seen[i]
            n = 0
        }
        END { print deeds + 0 " deeds" }' "$1"
}
# rung NAME LADDER: one job into its limit, by itself
rung () {
    local name=$1$$ go=$TMP/$1.go job tracer
    mkfifo "$go"
    # shellcheck disable=SC2016    # the job's
    run_job "$name" --reservation 32M --limit 32M --reserve 16M --on-oom "$2" -- \
        sh -c 'read x <"$1"; shift; exec "$@"' sh "$go" \
        "$TOUCHMEM" --size 100M --pieces
    job=$!
    wait_for 20 journal_has "$name" registered
    strace -qq -y -s 0 -o "$TMP/trace" -p "$WARDEN_PID" 2>"$TMP/strace.err" &
    tracer=$!
    ok "$1: traced" wait_for 20 traced "$WARDEN_PID"
    timeout 20 sh -c 'echo >"$1"' sh "$go"
    wait "$job"
    kill "$tracer"
    wait "$tracer" 2>/dev/null
    judge "$TMP/trace" | sort | uniq -c | sort -rn | head -n 20 >"$TMP/judged"
    like "$1: there are deeds" "$(cat "$TMP/judged")" ' [1-9][0-9]* deeds'
    unlike "$1: and no other calls before them" "$(cat "$TMP/judged")" 'not allowed'
}
warden_start
rung kill kill
rung hold 'hold@1s,kill'
rung grow 'grow=32M@1s,kill'
rung slow 'slow=50@1s,kill'
rung reclaim 'reclaim,kill'
rung enomem 'enomem@1s,kill'
rung signal 'signal=USR1@1s,kill'
done_testing
