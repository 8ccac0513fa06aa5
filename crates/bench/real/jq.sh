#!/bin/sh
# needs: jq=jq
# serves: jq
# about: jq on a large document: parsing, filtering, grouping, sorting and printing.
set -eu
export LC_ALL=C
dir=$2
case $1 in
prepare)
    for size in full=30000 quick=6000; do
        awk -v n="${size#*=}" 'BEGIN {
            for (i = 0; i < n; i++) {
                x = (x * 7919 + 12345) % 1000003
                printf "%s{\"id\":%d,\"name\":\"name-%d\",\"part\":%d,\"tags\":[\"t%d\",\"u%d\"],", i ? "," : "[", i, x % 9973, x % 101, x % 17, x % 31
                printf "\"place\":{\"x\":%d.5,\"y\":%d}}\n", x % 1000, (x * 3) % 1000
            }
            print "]"
        }' > "$dir/${size%=*}.json"
    done
    ;;
run)
    jq -c 'map(select(.part % 3 != 0) | {id, key: (.name + "/" + .tags[0]), x: .place.x, all: (.tags | join(" "))})
        | group_by(.all) | map({all: .[0].all, n: length, sum: (map(.x) | add), first: (sort_by(.key) | .[0].key)})' "$dir/$3.json" | cksum
    ;;
esac
