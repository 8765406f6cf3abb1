# slurmrestd.sh - a real slurmrestd beside the cluster.  Source cluster.sh first.
#
#   rest_lines                  what cluster_start is to be told for tokens
#   rest_start PLACE [AUTH]     PLACE: unix:PATH or 127.0.0.1:PORT; AUTH: local (the
#                               default: its own user and root) or jwt; sets REST_PID
#   rest_token USER [SECONDS]   a token
#   rest_version PLACE          the newest version that it offers, v0.0.N
#   rest_get PLACE PATH         by TCP with $REST_TOKEN, root's, to be set before
#
# It runs as the jobs' user: 26.05's does not start as root.  slurmdbd's part is left out,
# for which there would have to be one.

REST_KEY=$TMP/jwt.key
REST_TOKEN=
rest_lines () {
    head -c 32 /dev/urandom >"$REST_KEY" && chmod 600 "$REST_KEY"
    printf '%s\n' AuthAltTypes=auth/jwt "AuthAltParameters=jwt_key=$REST_KEY"
}
rest_start () {
    local parts jwt=()
    parts=$(as_user slurmrestd -f "$SLURM_CONF" -s list 2>&1 |
        grep -Eo 'openapi/(v[0-9.]+|slurmctld)' | paste -sd,)
    [ "${2:-local}" = local ] || jwt=(SLURM_JWT=daemon)
    env "${jwt[@]}" setpriv --reuid "$(id -u "$CLUSTER_USER")" \
        --regid "$(id -g "$CLUSTER_USER")" --clear-groups slurmrestd -f "$SLURM_CONF" \
        -a "rest_auth/${2:-local}" -s "$parts" "$1" >>"$TMP/restd.log" 2>&1 &
    REST_PID=$!
    at_exit "kill $REST_PID"
    wait_for 20 _rest_serves "$1"
}
_rest_serves () { [ -n "$(rest_version "$1")" ]; }
rest_token () { scontrol token username="$1" lifespan="${2:-3600}" | sed 's/^SLURM_JWT=//'; }
rest_get () {
    case $1 in
        unix:*) as_user curl -sf --unix-socket "${1#unix:}" "http://localhost$2" ;;
        *) curl -sf -H 'X-SLURM-USER-NAME: root' -H "X-SLURM-USER-TOKEN: $REST_TOKEN" \
            "http://$1$2" ;;
    esac
}
# /openapi/v3 names what is served: /slurm/v0.0.40/job/{job_id}, …
rest_version () {
    rest_get "$1" /openapi/v3 | jq -r '.paths | keys[]' |
        sed -n 's|^/slurm/\(v[0-9.]*\)/job/{job_id}/*$|\1|p' | sort -V | tail -n 1
}
