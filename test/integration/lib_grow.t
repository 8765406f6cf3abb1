# runs: v1 v2
# takes: 12 s
# in-vm: 6.12-v2
# A program in a job asks for memory above its limit and gives it back, by the C example
# and by the Python module; a loan has an end, is on record, outlives the warden, and is no
# way around a cap.  Nobody waits for a warden that does not answer.
. "$(dirname "$0")/../lib/tap.sh"
. "$MW_SRC/test/lib/warden.sh"
[ "$(id -u)" = 0 ] || skip_all "only root may make cgroups"
export LD_LIBRARY_PATH=$MW_BUILD/lib/.libs PYTHONPATH=$MW_SRC/contrib/python PYTHONDONTWRITEBYTECODE=1
limit=$((64 * 1024 * 1024))
small=(--user nobody --reservation 64M --limit 64M --on-oom kill)

must 'the example compiles' "${CC:-cc}" -Wall -Wextra -Werror -I"$MW_SRC/lib" -o "$TMP/borrow" \
    "$MW_SRC/contrib/voice/borrow.c" -L"$LD_LIBRARY_PATH" -lmemwarden
warden_start 'courier { start = false }
max-burst = "256M"' || { fail "the warden starts"; done_testing; exit; }

# ---- borrowed for a peak ----------------------------------------------------
run_job "b$$" "${small[@]}" -- "$TMP/borrow" 32 100
wait $!
like 'lent it, it does its peak at once, above the limit of its own' "$(tr '\n' ' ' <"$TMP/b$$.out")" \
    'at the peak: used 1[0-9][0-9] MiB of 17[67] MiB, 11[23] MiB of them lent.*done at once'
like 'it is on record what was lent, and what came back' "$(journal_events "b$$")" 'lent .*returned '
unlike 'and there was no OOM' "$(journal_events "b$$")" 'detected|kernel'
like 'its stderr says so' "$(tr '\n' ' ' <"$TMP/b$$.err")" 'lent 11[23] MiB for 10m, as it asked.*gave back 11[23] MiB'
like 'and memwarden why does' "$(mw why "b$$" 2>&1)" 'as it asked'

# ---- the cap, and a loop that halves its batch -------------------------------
run_job "h$$" "${small[@]}" -- python3 "$MW_SRC/contrib/python/halve.py" 256 512
wait $!
like 'above the cap it is refused, which names it; a smaller batch is lent' "$(tr '\n' ' ' <"$TMP/h$$.out")" \
    'not lent 512 MiB: .*at most 192 MiB: .* capped at 256 MiB.*batches of 128 MiB, lent.*told: .*done'

# ---- a loan has an end, and outlives the warden -------------------------------
cat >"$TMP/stay.py" <<'END'
import errno, os, sys, time
import memwarden as m
def until(what):
    while not what(): time.sleep(0.1)
def file(name): return lambda: os.path.exists(sys.argv[1] + "/" + name)
M = 1 << 20
m.set_ladder("hold@1s,kill")
m.request_grow(100 * M, 3600)
print("lent", flush=True)
until(file("again"))
st = m.status()
print("yet", st.loan // M, st.limit // M, flush=True)
work = bytearray(100 * M)
m.request_grow(64 * M, 1) # as large as it is, with an end
until(lambda: m.status().loan_left == 0)
until(lambda: m.status().loan < 100 * M)
st = m.status()
print("over", 40 < st.loan // M < 70, st.limit - st.loan == 64 * M, st.incident, flush=True)
try: m.request_grow(M, 10)
except OSError as e: print("refused", errno.errorcode[e.errno], e.strerror, flush=True)
del work
m.give_back()
until(lambda: m.status().loan == 0)
print("back", m.status().limit // M, flush=True)
m.give_back()
until(file("stopped"))
try: m.status()
except OSError as e: print("away", errno.errorcode[e.errno], e.strerror, flush=True)
until(file("gone"))
try: m.request_grow(M, 10)
except OSError as e: print("none", errno.errorcode[e.errno], flush=True)
END
mkdir "$TMP/sign"; chmod 755 "$TMP/sign"
run_job "s$$" "${small[@]}" -- python3 "$TMP/stay.py" "$TMP/sign"
job=$!
says () { grep -q "^$1" "$TMP/s$$.out"; }
wait_for 20 says lent
is 'a loan is a part of the limit' "$(job_shows "s$$" '"\(.loan / 1048576) \(.limit / 1048576)"')" '100 164'
warden_kill9
warden_start
is 'the next warden has it' "$(job_shows "s$$" '"\(.loan / 1048576) \(.limit / 1048576)"')" '100 164'
touch "$TMP/sign/again"
wait_for 60 says back
like 'so the job sees it' "$(cat "$TMP/s$$.out")" 'yet 100 164'
like 'when its time is over, what is not used is taken back, and no more' "$(cat "$TMP/s$$.out")" 'over True True False'
like 'then there is no other loan' "$(cat "$TMP/s$$.out")" 'refused EBUSY .*is over'
is 'when it lets go of the rest, its limit is its own' "$(job_shows "s$$" '"\(.loan) \(.limit)"')" "0 $limit"
is 'and it has another ladder, as it asked' "$(job_shows "s$$" .ladder)" 'hold@1s,kill'
like 'the end of its loan is on record' "$(mw events --job "s$$" 2>&1; mw why "s$$" 2>&1)" 'follow as it lets go'
is 'nothing was done to it' "$(journal_count "s$$" detected)" 0

# ---- nobody waits for a warden that is away -----------------------------------
warden_unguarded
kill -STOP "$WARDEN_PID"
touch "$TMP/sign/stopped"
wait_for 30 says away
kill -CONT "$WARDEN_PID"
like 'of one that does not answer that is said in time' "$(cat "$TMP/s$$.out")" 'away ETIMEDOUT .*in time'
warden_stop
touch "$TMP/sign/gone"
wait $job
like 'of one that is gone at once' "$(cat "$TMP/s$$.out")" 'none ENOENT'
done_testing
