# The Docker Handbook's two stages: node builds the site, and nginx's image gets the result. The base images are
# arguments, so that a build can use a mirror, a newer image, or a stand-in (docktasks/images/bases/).
ARG NODE_IMAGE=node:lts-alpine NGINX_IMAGE=nginx:stable-alpine

# Our scripts and nginx's configuration. For an app outside of this repository, `--build-context tools=FOLDER` replaces
# this stage: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
FROM scratch AS tools
COPY docktasks/images/nginx/ /nginx/
COPY docktasks/images/node/ /node/

# Asks nginx for its version: the configuration leaves out what an older nginx does not know.
FROM --platform=${BUILDPLATFORM} ${NGINX_IMAGE} AS version
RUN nginx -v 2>/tmp/version

# What an installation reads, without the secrets in it, because each layer of a build can be exported.
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS manifests
ARG APP_DIR=hello-dock
RUN --network=none --mount=type=bind,source=${APP_DIR},target=/source \
    --mount=type=bind,from=tools,source=/node,target=/tools/node \
    sh /tools/node/settings.sh /source /tmp/settings && sh /tools/node/manifests.sh /source /tmp/manifests

# Installs the packages before the source is there, so that an edit of the source finds them in a layer:
# https://docs.docker.com/build/cache/optimize/#order-your-layers
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS dependencies
# npm looks for no newer npm, Yarn writes into node_modules, pnpm takes any version of it and installs only if told.
ENV NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_LOGS_MAX=0 pnpm_config_pm_on_fail=ignore YARN_NODE_LINKER=node-modules \
    pnpm_config_verify_deps_before_run=false YARN_INSTALL_STATE_PATH=/app/node_modules/.yarn-install-state.gz
WORKDIR /app
COPY --from=manifests /tmp/manifests/ ./
# The manager, and what npm installs it by, as pnpm@10.1.0; empty for npm. INSTALL_ENV has variables, BUILD_ENV others.
# SETTINGS and SECRETS name the secrets that the build gets, because these are not in the cache's key.
ARG MANAGER=npm MANAGER_PACKAGE="" INSTALL_ENV="" SETTINGS="" SECRETS=""
# Downloads stay in a cache mount: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
RUN --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=bind,from=tools,source=/node,target=/tools/node --mount=type=secret,id=bunfig.toml \
    --mount=type=bind,from=manifests,source=/tmp/settings,target=/settings --mount=type=secret,id=environment \
    --mount=type=secret,id=npmrc --mount=type=secret,id=yarnrc --mount=type=secret,id=yarnrc.yml \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" before-source

# Builds the site, and assembles the image's files: not in /out itself, because BuildKit hashes all that is next to what
# it copies. https://github.com/moby/buildkit/blob/v0.13.0/cache/contenthash/checksum.go (scanPath)
FROM dependencies AS builder
ARG APP_DIR=hello-dock BUILD_COMMAND=""
# What a build may write into the site; the app's path in its workspace and what to build before it; and settings.
ARG SOURCE_DATE_EPOCH REVISION="" VERSION="" DIST_DIR=dist BUILD_ENV="" PATH_IN_ROOT=. SIBLINGS="" HELLO_DOCK_VITE=""
ARG HELLO_DOCK_CSP=compatible HELLO_DOCK_CSP_SOURCES="" HELLO_DOCK_FALLBACK=auto HELLO_DOCK_SOURCE_MAPS=private
# One step, because each costs a tenth of a second. COPY would keep .env and .npmrc in a layer: they are only linked.
RUN --mount=type=bind,source=${APP_DIR},target=/source --mount=type=cache,id=hello-dock-node,target=/var/cache/node \
    --mount=type=bind,from=tools,target=/tools --mount=type=bind,from=version,source=/tmp/version,target=/version \
    --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm --mount=type=secret,id=environment \
    . /tools/node/environment.sh; sh /tools/node/copy-source.sh /source linked && \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" with-source && \
    install -D -m 0755 /tools/node/git.cjs /tmp/last/git && export PATH="${PATH}:/tmp/last" && \
    sh /tools/node/build-siblings.sh "${MANAGER}" "${SIBLINGS}" && cd "${PATH_IN_ROOT}" && touch /tmp/started && \
    NODE_OPTIONS="${NODE_OPTIONS} ${HELLO_DOCK_VITE:+--require=/tools/node/vite/preload.cjs}" \
        sh -c "${BUILD_COMMAND:-${MANAGER} run build}" && \
    node /tools/nginx/assemble.mjs "${DIST_DIR}" /tmp/started /tools/nginx /version /out/image /out/dist /var/cache/node

# The site, for `invoke verify`, which compares the image with it. With PART=maps its source maps, which no image has.
FROM scratch AS dist
ARG PART=dist
COPY --from=builder /out/${PART}/ /

# The image that runs: the official nginx, and one layer of ours.
FROM ${NGINX_IMAGE}
COPY --from=builder /out/image/ /
# The user nginx by number, so that an orchestrator sees that it is not root. Docker lets any user listen on port 80.
USER 101:101
# Without this the base image's entrypoint reports that it cannot change our configuration.
ENV NGINX_ENTRYPOINT_QUIET_LOGS=1
EXPOSE 80
# On SIGQUIT nginx first answers the open requests: https://nginx.org/en/docs/control.html
STOPSIGNAL SIGQUIT
# 127.0.0.1, because BusyBox's wget takes localhost for ::1, where nginx does not listen.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1/healthz"]
CMD ["nginx", "-g", "daemon off;"]
# The tasks add source, revision and version if there are any: https://specs.opencontainers.org/image-spec/annotations/
ARG TITLE=hello-dock
LABEL org.opencontainers.image.title="${TITLE}" org.opencontainers.image.description="${TITLE}, served by nginx"
