# What every program of the corpus starts with: `under` runs a command on the
# library under test (or on nothing, in the run that is compared with), and
# `scaled QUICK FULL` picks a size. Only the command after `under` is
# preloaded: the shell around it is part of the harness.
set -euo pipefail
export LC_ALL=C TZ=UTC

under() {
    if [ -n "${CORPUS_LIB:-}" ]; then
        env LD_PRELOAD="$CORPUS_LIB:$CORPUS_WITNESS_LIB" "$@"
    else
        "$@"
    fi
}

scaled() {
    if [ "$CORPUS_SCALE" = full ]; then echo "$2"; else echo "$1"; fi
}

# The command's own words, where `under` cannot stand (after setpriv, in xargs).
preload_setting() {
    if [ -n "${CORPUS_LIB:-}" ]; then echo "LD_PRELOAD=$CORPUS_LIB:$CORPUS_WITNESS_LIB"; else echo "CORPUS=none"; fi
}

# wait_for SECONDS COMMAND…: until the command succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$until" ]; then echo "did not come up in time: $*" >&2; return 1; fi
        sleep 0.1
    done
}
