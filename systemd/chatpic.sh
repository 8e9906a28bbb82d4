#!/bin/sh
# /usr/local/bin/chatpic: the operator's verbs with the service's settings.
exec /opt/node/bin/node --no-warnings --env-file=/etc/chatpic/chatpic.env /opt/chatpic/build/src/main.js "$@"
