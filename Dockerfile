# The Docker Handbook's two stages: node builds the site, and nginx's image gets the result. The base images are
# arguments, so that a build can use a mirror, a newer image, or a stand-in (docktasks/images/bases/).
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

# Our scripts and nginx's configuration. For an app outside of this repository, `--build-context tools=FOLDER` replaces
# this stage: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
FROM scratch AS tools
COPY docktasks/images/nginx/ /nginx/
COPY docktasks/images/node/ /node/

# Asks nginx for its version: the configuration leaves out what an older nginx does not know.
FROM ${NGINX_IMAGE} AS version
RUN nginx -v 2>/tmp/version

# Installs the packages before the source is there, so that an edit of the source finds them in a layer:
# https://docs.docker.com/build/cache/optimize/#order-your-layers
FROM ${NODE_IMAGE} AS dependencies
ARG APP_DIR=hello-dock
# npm asks the registry for packages only, and gives up in seconds when it gets no answer.
ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_LOGS_MAX=0 \
    NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=1000 NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT=5000
# Yarn writes into node_modules only. pnpm does not look for another version: https://pnpm.io/settings#pmonfail
ENV YARN_NODE_LINKER=node-modules YARN_INSTALL_STATE_PATH=/app/node_modules/.yarn-install-state.gz \
    pnpm_config_pm_on_fail=ignore
WORKDIR /app
COPY ${APP_DIR}/package.json ${APP_DIR}/package-lock.json* ${APP_DIR}/npm-shrinkwrap.json* ${APP_DIR}/.npmrc* \
     ${APP_DIR}/pnpm-lock.yaml* ${APP_DIR}/pnpm-workspace.yaml* ${APP_DIR}/.pnpmfile.cjs* \
     ${APP_DIR}/yarn.lock* ${APP_DIR}/.yarnrc* ./
# The package manager, and what npm installs it by, as pnpm@10.1.0; empty for the npm of the base image.
ARG MANAGER=npm MANAGER_PACKAGE=""
# Downloads stay in a cache mount: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
RUN --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=bind,from=tools,source=/node,target=/tools/node \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" before-source

# Builds the site, and assembles the image's files: not in /out itself, because BuildKit hashes all that is next to what
# it copies. https://github.com/moby/buildkit/blob/v0.13.0/cache/contenthash/checksum.go (scanPath)
FROM dependencies AS builder
ARG APP_DIR=hello-dock
COPY ${APP_DIR}/ ./
# For builds that write their commit and its time into the site. A new value runs the steps below again.
ARG SOURCE_DATE_EPOCH REVISION="" DIST_DIR=dist
# One step, because each costs a tenth of a second. /source shows install.sh whether COPY brought another node_modules.
RUN --mount=type=bind,source=${APP_DIR},target=/source \
    --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=cache,id=hello-dock-node,target=/var/cache/node \
    --mount=type=bind,from=tools,target=/tools \
    --mount=type=bind,from=version,source=/tmp/version,target=/version \
    export NODE_COMPILE_CACHE=/var/cache/node; \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" with-source && touch /tmp/started && \
    ${MANAGER} run build && \
    node /tools/nginx/assemble.mjs "${DIST_DIR}" /tmp/started /tools/nginx /version /out/image /out/dist /var/cache/node

# What the build wrote, unchanged: `invoke verify` compares the image with it.
FROM scratch AS dist
COPY --from=builder /out/dist/ /

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
# The tasks add the labels source, revision and version where there is something to say, because a label cannot be left
# out here. https://specs.opencontainers.org/image-spec/annotations/
ARG TITLE=hello-dock
LABEL org.opencontainers.image.title="${TITLE}" org.opencontainers.image.description="${TITLE}, served by nginx"
