# needs: chromium=chromium
# witness: *sh
# owns: chrom*
# limit: 120
# A headless screenshot and the document after its script ran.
# The binary brings its own malloc (PartitionAlloc): preloading must not disturb it.
. "$CORPUS/lib.sh"
page=file://$CORPUS/data/page.html
browse() {
    under chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1 \
        --user-data-dir="$PWD/profile-$1" "${@:2}" "$page" 2> "log-$1" || { tail -5 "log-$1" >&2; return 1; }
}
browse dom --virtual-time-budget=3000 --dump-dom
browse shot --window-size=800,600 --virtual-time-budget=3000 --screenshot="$PWD/shot.png"
head -c 24 shot.png | od -An -tx1 | tail -2
[ "$(stat -c %s shot.png)" -gt 5000 ] && echo "the picture has contents"
