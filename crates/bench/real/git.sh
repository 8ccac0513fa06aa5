#!/bin/sh
# needs: git=git
# serves: git
# about: Git on a generated repository: all objects packed anew with fresh deltas, then checked and read back.
set -eu
export LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_EXEC_PATH 2> /dev/null || true
dir=$2
case $1 in
prepare)
    for size in full=300 quick=60; do
        git init -q --bare "$dir/${size%=*}"
        awk -v commits="${size#*=}" 'BEGIN {
            for (c = 1; c <= commits; c++) {
                print "commit refs/heads/main\ncommitter A <a@example.org> " 1700000000 + c * 60 " +0000"
                print "data 7\ncommit "
                for (f = 0; f < 4; f++) {
                    text = ""; for (l = 0; l < 60; l++) text = text "line " l " of file " (c * 7 + f) % 50 " at " int(c / (l + 1)) "\n"
                    print "M 100644 inline dir" (c + f) % 7 "/file" (c * 7 + f) % 50
                    print "data " length(text); printf "%s", text
                }
            }
            print "done"
        }' | git -C "$dir/${size%=*}" fast-import --quiet --done
        git -C "$dir/${size%=*}" symbolic-ref HEAD refs/heads/main
    done
    ;;
run)
    # One thread, and the pack is only written to a file beside: every run finds the repository as it was.
    cd "$dir/$3"
    git rev-list --objects --all > ../objects
    git -c pack.threads=1 pack-objects --no-reuse-delta --window=20 --stdout -q < ../objects > ../packed
    git index-pack --threads=1 -o ../packed.idx ../packed 2> /dev/null | cut -f 1
    git log -p --stat | cksum
    ;;
esac
