# needs: git=git
# witness: git
# A repository made here: fast-import, clone, gc with threads, fsck, log, blame.
. "$CORPUS/lib.sh"
commits=$(scaled 400 2000)
awk -v n="$commits" 'BEGIN {
    for (c = 1; c <= n; c++) {
        print "commit refs/heads/main"
        print "committer A <a@example.org> " 1700000000 + c * 60 " +0000"
        m = "commit number " c; print "data " length(m); print m
        for (f = 0; f < 5; f++) {
            text = ""; for (l = 0; l < 60; l++) text = text "line " l " of file " (c * 7 + f) % 50 " at " int(c / (l + 1)) "\n"
            print "M 100644 inline dir" (c + f) % 7 "/file" (c * 7 + f) % 50
            print "data " length(text); printf "%s", text
        }
    }
    print "done"
}' > stream
git init -q --bare source.git
under git -C source.git fast-import --quiet --done < stream
git -C source.git symbolic-ref HEAD refs/heads/main
under git clone -q --no-local source.git copy
cd copy
git rev-parse HEAD
under git -c pack.threads=4 gc -q --aggressive --prune=now
under git fsck --full --strict 2> /dev/null
under git log -p --stat | cksum
under git blame -w dir1/"$(ls dir1 | head -1)" | cksum
under git rev-list --objects --all | sort | cksum
under git archive HEAD | cksum
