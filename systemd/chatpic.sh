#!/bin/sh
# /usr/local/bin/chatpic: the operator's verbs, with the service's settings. Those that open the store run as the service's
# user and are handed its root key; for most of them the service has to be stopped, and its socket too.
set -eu
settings=/etc/chatpic/chatpic.env
node='/opt/node/bin/node --no-warnings --expose-gc --clear-free-memory'
main=/opt/chatpic/build/src/main.js
case "${1-}" in
doctor | panic | onion | stats | -* | '') exec $node --env-file="$settings" "$main" "$@" ;;
install) exec $node "$main" "$@" ;;
esac
# The slots of an amnesic store (drop-ins/amnesic.conf).
slots=
if [ -e /run/chatpic-slots ]; then slots='-p RuntimeDirectory=chatpic-slots -p RuntimeDirectoryPreserve=yes'; fi
# systemd-run waits through the bus. Where it was installed only now, Debian does not start it before the next boot.
[ -S /run/dbus/system_bus_socket ] || systemctl start dbus.socket
if [ -t 0 ] && [ -t 1 ]; then how=--pty; else how=--pipe; fi
exec systemd-run --quiet --collect --wait "$how" \
  -p EnvironmentFile="$settings" -p LoadCredentialEncrypted=root.key:/etc/chatpic/root.key.cred \
  -p DynamicUser=yes -p User=chatpic -p StateDirectory=chatpic -p StateDirectoryMode=0700 \
  $slots -p PrivateNetwork=yes -p LimitCORE=0 -p MemorySwapMax=0 -p UMask=0077 \
  $node "$main" "$@"
