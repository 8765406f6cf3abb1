# rlimits.sh - the soft limits that the step enomem lowers.  Source after warden.sh.
#
#   limit PID          its soft limits of data and address space, in bytes
#   unlimited PID      has it none?
#   lowered PID        is it there, and has it some?

limit () { awk '/^Max (data|address)/ { print $4 }' "/proc/$1/limits" | tr '\n' ' '; }
unlimited () { [ "$(limit "$1")" = 'unlimited unlimited ' ]; }
lowered () { [ -n "$1" ] && [ -e "/proc/$1" ] && ! unlimited "$1"; }
