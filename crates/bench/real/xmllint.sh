#!/bin/sh
# needs: xmllint=libxml2-utils
# serves: xmllint
# about: libxml2 on a large document: a tree of nodes, canonical form, and a path expression over all of it.
set -eu
export LC_ALL=C
dir=$2
case $1 in
prepare)
    for size in full=40000 quick=8000; do
        awk -v n="${size#*=}" 'BEGIN {
            print "<?xml version=\"1.0\"?>\n<list>"
            for (i = 0; i < n; i++) {
                x = (x * 7919 + 12345) % 1000003
                printf "<item id=\"i%d\" part=\"%d\"><name lang=\"l%d\">name %d &amp; more</name>", i, x % 101, x % 7, x
                printf "<tags><t>%d</t><t>%d</t></tags><note>%s</note></item>\n", x % 17, x % 31, substr("a note of some length, or of less", 1, x % 33)
            }
            print "</list>"
        }' > "$dir/${size%=*}.xml"
    done
    ;;
run)
    xmllint --nonet --c14n "$dir/$3.xml" | cksum
    xmllint --nonet --xpath 'concat(count(//item[name/@lang="l3"]/tags/t[. > 10]), " ", sum(//t), " ", string-length(string(/list)))' "$dir/$3.xml"
    ;;
esac
