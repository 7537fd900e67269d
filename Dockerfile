# Two stages, as in the Docker Handbook: node builds the site, and nginx's image gets the result.
# The base images are arguments, so that a build can use a mirror, a newer image, or a stand-in (docktasks/images/bases/).
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

# Our scripts and nginx's configuration. `--build-context tools=FOLDER` replaces this stage for an app outside of this
# repository: https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
FROM scratch AS tools
COPY docktasks/images/nginx/ /nginx/
COPY docktasks/images/node/ /node/

# Asks nginx for its version: the configuration leaves out what an older nginx does not know.
FROM ${NGINX_IMAGE} AS version
RUN nginx -v 2>/tmp/version

# Installs the packages before the source is there: Docker runs these steps again only when one of these files changes.
# https://docs.docker.com/build/cache/optimize/#order-your-layers
FROM ${NODE_IMAGE} AS dependencies
ARG APP_DIR=hello-dock
# npm asks the registry for packages only, and gives up in seconds when nothing answers.
ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_LOGS_MAX=0 \
    NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=1000 NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT=5000
# Yarn would put packages and its state outside of node_modules. pnpm has the version that package.json names, and need
# not ask the registry for it: https://pnpm.io/settings#pmonfail
ENV YARN_NODE_LINKER=node-modules YARN_INSTALL_STATE_PATH=/app/node_modules/.yarn-install-state.gz \
    pnpm_config_pm_on_fail=ignore
WORKDIR /app
COPY ${APP_DIR}/package.json ${APP_DIR}/package-lock.json* ${APP_DIR}/npm-shrinkwrap.json* ${APP_DIR}/.npmrc* \
     ${APP_DIR}/pnpm-lock.yaml* ${APP_DIR}/pnpm-workspace.yaml* ${APP_DIR}/.pnpmfile.cjs* \
     ${APP_DIR}/yarn.lock* ${APP_DIR}/.yarnrc* ./
# The package manager, and what npm installs it by, as pnpm@10.1.0; empty for the npm of the base image.
ARG MANAGER=npm
ARG MANAGER_PACKAGE=""
# The cache mount holds downloads, and is in no layer: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
RUN --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=bind,from=tools,source=/node,target=/tools/node \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" before-source

# Builds the site, and assembles in /out/image what we ship: the site, its compressed copies, nginx's configuration.
FROM dependencies AS builder
ARG APP_DIR=hello-dock
COPY ${APP_DIR}/ ./
ARG DIST_DIR=dist
# For builds that write their commit or its time into the site. Here, since a new value runs all later steps again.
ARG SOURCE_DATE_EPOCH
ARG REVISION=""
# The packages are mounted over the folder, so that a node_modules in the build context does not mix with them. Build and
# assemble are one step, because each step costs a tenth of a second.
RUN --mount=type=bind,from=dependencies,source=/app/node_modules,target=/app/node_modules,rw \
    --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=cache,id=hello-dock-node,target=/var/cache/node \
    --mount=type=bind,from=tools,target=/tools \
    --mount=type=bind,from=version,source=/tmp/version,target=/version \
    export NODE_COMPILE_CACHE=/var/cache/node; \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" with-source && \
    touch /tmp/started && \
    ${MANAGER} run build && \
    node /tools/nginx/assemble.mjs "${DIST_DIR}" /tmp/started /tools/nginx /version /out/image /out/dist /var/cache/node

# What the build wrote, unchanged: `invoke verify` compares the image with it.
FROM scratch AS dist
COPY --from=builder /out/dist/ /

# The image that runs: the official nginx, and one layer of ours.
FROM ${NGINX_IMAGE}
COPY --from=builder /out/image/ /
# The official image's user nginx, by number so that an orchestrator can see that it is not root. Port 80 is open to it:
# Docker lets any user listen below 1024 (net.ipv4.ip_unprivileged_port_start=0).
USER 101:101
# The entrypoint's own notices would only say that it may not change the configuration.
ENV NGINX_ENTRYPOINT_QUIET_LOGS=1
EXPOSE 80
# nginx ends open requests first: https://nginx.org/en/docs/control.html
STOPSIGNAL SIGQUIT
# 127.0.0.1, for BusyBox wget takes localhost to be ::1, where nothing listens.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1/healthz"]
CMD ["nginx", "-g", "daemon off;"]

# Last, since they change with every commit: https://specs.opencontainers.org/image-spec/annotations/
ARG TITLE=hello-dock
ARG SOURCE=""
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="${TITLE}" \
      org.opencontainers.image.description="${TITLE}, served by nginx" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
