# syntax=docker/dockerfile:1
#
# Weir in a container: compiled JavaScript, production dependencies, no compiler, no shell tools of its own, and a user
# that may do one privileged thing: bind ports below 1024.
#
#   docker build -t weir .
#   docker run --network host --cap-drop ALL --cap-add NET_BIND_SERVICE \
#     -v /etc/weir:/etc/weir:ro -v weir-state:/var/lib/weir weir serve --config /etc/weir/weir.yaml

ARG NODE_VERSION=26.10.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The image has a Node of its own: the install script that fetches one is not needed here.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:${NODE_VERSION}-bookworm-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:${NODE_VERSION}-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcap2-bin \
 && setcap cap_net_bind_service=+ep /usr/local/bin/node \
 && apt-get purge -y --auto-remove libcap2-bin \
 && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /opt/yarn-* \
 && install -d -o node -g node /var/lib/weir /app/state
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE CHANGELOG.md ./
COPY bin ./bin
COPY blocklists ./blocklists
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER node
VOLUME ["/var/lib/weir"]
EXPOSE 53/udp 53/tcp 80/tcp 9153/tcp
# The admin listener is on loopback, so the check runs inside. Set WEIR_HEALTH_URL where `listen.admin` is another port.
ENV WEIR_HEALTH_URL=http://127.0.0.1:9153/healthz
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.WEIR_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/weir.js"]
CMD ["serve"]
