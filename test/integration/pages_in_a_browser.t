#!/usr/bin/env bash
# runs: v1 native
# takes: 40 s
# The pages of `why --html` and `report --html`, of real OOMs, in a real browser: drawn
# whole, light and dark as the reader's desktop is, without a script or the network, and
# for a narrow screen; the time line has its words for who cannot see it.  MW_SHOTS=DIR
# keeps the pictures there.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/warden.sh"

browser=$(command -v chromium) || skip_all 'no chromium (Debian: chromium)'
warden_start || exit 1
run_job neighbour$$ --reservation 64M --limit 64M -- "$TOUCHMEM" --size 20M --stop-file "$TMP/stop"
neighbour=$!
run_job hog$$ --reservation 32M --limit 32M --on-oom 'grow=32M@1m,kill' -- "$TOUCHMEM" --size 100M
wait_end 60 $!; is 'a job is lent memory, then killed' $? 137
touch "$TMP/stop"
wait_end 60 $neighbour
wait_for 20 journal_has "hog$$" released
mw why "hog$$" --html >"$TMP/why.html"
mw report --html >"$TMP/report.html"

# in PAGE HOW ARG…: what the browser makes of it; nothing may be fetched
in_browser () {
    local page=$1; shift
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$TMP/profile" --no-first-run --hide-scrollbars \
        --host-resolver-rules='MAP * ~NOTFOUND' --virtual-time-budget=2000 \
        "$@" "file://$TMP/$page.html" 2>"$TMP/browser.err"
}
for page in why report; do
    for look in light dark narrow; do
        size=1000,1200 scheme=1
        [ $look != dark ] || scheme=0
        [ $look != narrow ] || size=500,1200
        in_browser $page --window-size=$size --blink-settings=preferredColorScheme=$scheme \
            --screenshot="$TMP/$page.$look.png"
        is "$page: $look" "$(python3 "$MW_SRC/test/lib/screenshot.py" $look "$TMP/$page.$look.png")" ok
    done
    in_browser $page --dump-dom >"$TMP/$page.dom"
    is "$page: the browser has found nothing to mend" \
        "$(python3 "$MW_SRC/test/lib/page.py" "$TMP/$page.dom")" ''
done
like 'the time line has a name and words' "$(tr -d '\n' <"$TMP/why.dom")" \
    '<svg [^>]*aria-labelledby="t1 d1"[^>]*><title id="t1">Incident hog[^<]+</title><desc id="d1">What '
[ -z "${MW_SHOTS:-}" ] || cp "$TMP"/*.png "$MW_SHOTS"
done_testing
