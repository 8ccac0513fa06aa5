# needs: tar=tar xz=xz-utils gzip=gzip
# witness: tar xz gzip
# tar, gzip and threaded xz: there and back again.
. "$CORPUS/lib.sh"
mkdir tree
seq 1 "$(scaled 300000 2000000)" > tree/numbers
for i in $(seq 1 300); do echo "file $i" > "tree/file$i"; done
under tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf tree.tar tree
cksum < tree.tar
under xz -T2 --block-size=1MiB -2 -k tree.tar
cksum < tree.tar.xz
under gzip -k tree.tar
mkdir back
under tar -C back -xJf tree.tar.xz
diff -r tree back/tree && echo same
under gzip -dc tree.tar.gz | cmp - tree.tar && echo same
