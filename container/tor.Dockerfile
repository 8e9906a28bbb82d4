# Debian's tor in front of the appliance. The keys of the address are in the volume /var/lib/tor.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends tor && rm -rf /var/lib/apt/lists/*
COPY torrc.example /etc/tor/torrc
# The same user as the appliance's, so that both reach the socket; tor drops nothing, since it never had anything. What it
# says goes to its standard output. The staff's service is left out: without a client key tor would open it to everybody.
RUN sed -i -e '/^User /d' -e 's/^Log err syslog$/Log err stdout/' -e '/^# --- The staff desk/,$d' /etc/tor/torrc \
 && chown -R 10001:10001 /var/lib/tor && chmod 700 /var/lib/tor
USER 10001:10001
ENTRYPOINT ["tor", "--defaults-torrc", "/dev/null", "-f", "/etc/tor/torrc"]
