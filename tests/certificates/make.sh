#!/bin/sh
# Makes the certificates in this folder anew; they are valid until 2126. The keys guard nothing.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=36500

key() { openssl ecparam -name prime256v1 -genkey -noout; }

# authority NAME: a self-signed issuer, NAME.pem with its certificate alone.
authority() {
  key >"$work/$1.key"
  openssl req -x509 -new -key "$work/$1.key" -subj "/CN=PlexSync tests: $1" -days $days \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$1.pem"
}

# leaf NAME SUBJECTALTNAME: signed by ca; NAME.pem with key and certificate, for a server.
leaf() {
  key >"$work/$1.key"
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" >"$work/$1.ext"
  openssl req -new -key "$work/$1.key" -subj "/CN=$1" |
    openssl x509 -req -CA ca.pem -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
      -days $days -extfile "$work/$1.ext" -out "$work/$1.crt" 2>/dev/null
  cat "$work/$1.key" "$work/$1.crt" >"$1.pem"
}

authority ca
authority other_ca
leaf plex_direct "DNS:*.0123456789abcdef0123456789abcdef.plex.direct"
leaf other_name "DNS:plex.example,DNS:www.plex.example,DNS:a.example,DNS:b.example"
leaf by_address "IP:127.0.0.1,DNS:localhost"

key >"$work/self_signed.key"
openssl req -x509 -new -key "$work/self_signed.key" -subj "/CN=nas" -days $days \
  -addext "subjectAltName=DNS:nas" -out "$work/self_signed.crt"
cat "$work/self_signed.key" "$work/self_signed.crt" >self_signed.pem

key >"$work/expired.key"
openssl req -new -key "$work/expired.key" -subj "/CN=expired" -out "$work/expired.csr"
: >"$work/index"
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nrand_serial=yes\ndefault_md=sha256\nnew_certs_dir=%s\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\n' "$work" "$work" >"$work/ca.conf"
openssl ca -batch -config "$work/ca.conf" -cert ca.pem -keyfile "$work/ca.key" -notext \
  -startdate 20200101000000Z -enddate 20210101000000Z -in "$work/expired.csr" -out "$work/expired.crt" 2>/dev/null
cat "$work/expired.key" "$work/expired.crt" >expired.pem
