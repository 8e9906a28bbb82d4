# The appliance in a container: built in one stage, run in another as a user without rights, on a read-only root.
#
#   docker compose up          with compose.yaml: the appliance, and tor beside it, joined by a Unix socket
#
# Nothing of a share is ever in the image; the store and its key are in the volume /var/lib/chatpic.
FROM node:22-bookworm-slim AS build
WORKDIR /opt/chatpic
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY test test
COPY bench bench
COPY templates templates
RUN npm run build && npm prune --omit=dev --ignore-scripts && rm -rf build/test build/bench

FROM node:22-bookworm-slim
# Posters of videos need ffmpeg; without it videos are shared without one. util-linux wakes the decoder's walls.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg util-linux && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/chatpic && install -d -o 10001 -g 10001 -m 0750 /run/chatpic /run/chatpic-web /run/chatpic-desk
WORKDIR /opt/chatpic
COPY --from=build /opt/chatpic/node_modules node_modules
COPY --from=build /opt/chatpic/build build
COPY --from=build /opt/chatpic/templates templates
COPY package.json ./
COPY container/healthcheck.js container/healthcheck.js
ENV NODE_ENV=production TZ=UTC UV_USE_IO_URING=0 \
    GLIBC_TUNABLES=glibc.malloc.perturb=165:glibc.malloc.tcache_count=0:glibc.malloc.mmap_threshold=8192:glibc.malloc.mmap_max=16384:glibc.malloc.arena_max=2 \
    CHATPIC_DATA_DIR=/var/lib/chatpic \
    CHATPIC_LISTEN=unix:/run/chatpic-web/web.sock \
    CHATPIC_LISTEN_PROXY=haproxy \
    CHATPIC_DESK_LISTEN=unix:/run/chatpic-desk/desk.sock \
    CHATPIC_CONTROL=unix:/run/chatpic/control.sock
USER 10001:10001
VOLUME /var/lib/chatpic /run/chatpic-web /run/chatpic-desk
HEALTHCHECK --interval=30s --timeout=30s --start-period=20s CMD ["node", "container/healthcheck.js"]
ENTRYPOINT ["node", "--disable-proto=delete", "--disable-sigusr1", "--expose-gc", "--clear-free-memory", "--no-warnings", "build/src/main.js"]
CMD ["serve"]
