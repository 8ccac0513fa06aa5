# needs: openssl=openssl
# witness: openssl
# A library with its own allocation hooks: keys, certificates, digests, ciphers.
. "$CORPUS/lib.sh"
seq 1 "$(scaled 200000 1000000)" > data
under openssl dgst -sha256 data
under openssl enc -aes-256-cbc -pbkdf2 -S 0123456789abcdef -k word -in data -out data.enc
cksum < data.enc
under openssl enc -d -aes-256-cbc -pbkdf2 -S 0123456789abcdef -k word -in data.enc | cmp - data && echo same
under openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=corpus -days 2 -keyout key.pem -out cert.pem 2> /dev/null
under openssl verify -CAfile cert.pem cert.pem
under openssl dgst -sha256 -sign key.pem -out signature data
under openssl x509 -in cert.pem -pubkey -noout > public.pem
under openssl dgst -sha256 -verify public.pem -signature signature data
