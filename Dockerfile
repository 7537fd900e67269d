# Base images by name, so that a build can take a mirror's, a newer one, or the stand-ins in bases/.
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

# What builds the app and the site's server. `--build-context tools=folder` replaces this stage where the context is another
# app's folder, and brings the certificate authorities that npm trusts beside its own, as ca/ca.pem:
# https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
FROM scratch AS tools
COPY nginx/ /nginx/
COPY node/ /node/

# Asks nginx for its version: an older one is not given directives that it does not know.
FROM ${NGINX_IMAGE} AS version
RUN nginx -v 2>/tmp/version

# Builds the app with node, and assembles in /out/image what the image gets. Nothing else of this stage is shipped. That
# folder has one of its own around it, and so has the next stage's, since BuildKit looks at all that is beside what it
# copies, and beside /out that is node and npm, thousands of files:
# https://github.com/moby/buildkit/blob/v0.13.0/cache/contenthash/checksum.go (scanPath)
FROM ${NODE_IMAGE} AS builder
ARG APP_DIR=hello-dock
ARG DIST_DIR=dist
# No questions to the registry beyond the packages, one that cannot be reached fails in seconds, not minutes; and no logs,
# which nobody could read.
ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_LOGS_MAX=0 \
    NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=1000 NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT=5000
WORKDIR /app

# The package manager that the lock file belongs to, and what npm installs it by, as pnpm@10.1.0.
ARG MANAGER=npm
ARG MANAGER_PACKAGE=""
# Yarn keeps what it knows of an installation beside the source, and packages outside of node_modules, else. pnpm is of
# the version that package.json names, and need not ask the registry for it: https://pnpm.io/settings#pmonfail
ENV YARN_NODE_LINKER=node-modules YARN_INSTALL_STATE_PATH=/app/node_modules/.yarn-install-state.gz \
    pnpm_config_pm_on_fail=ignore
# For builds that stamp what they make. Declared this late because a new value runs the step below anew.
ARG SOURCE_DATE_EPOCH
ARG REVISION=""
# In one step, since each has a container started and a layer kept for it. What is mounted is in no layer:
# https://docs.docker.com/reference/dockerfile/#run---mount
# - The source is mounted, and copied by the step itself: COPY makes a layer of it, which takes twice as long a file. A
#   node_modules that the context brings is left out: it may be of another machine, and would get into the one that stays.
# - node_modules stays from build to build, and of a changed lock file only what changed is installed (install.sh). The
#   handbook's order, the lock file before the source, keeps it in a layer: until the first change, and then all anew.
# - So stay npm's downloads; what node has compiled of npm and Vite, of which node before 22 takes no notice:
#   https://nodejs.org/api/module.html#module-compile-cache; and the brotli twins, by their files' content (assemble.mjs).
# The pipe's end is told whether the build succeeded (build.sh).
# hadolint ignore=DL4006
RUN --mount=type=bind,source=${APP_DIR},target=/source \
    --mount=type=cache,id=hello-dock-modules,target=/app/node_modules,sharing=private \
    --mount=type=cache,id=hello-dock-npm,target=/var/cache/npm \
    --mount=type=cache,id=hello-dock-node,target=/var/cache/node \
    --mount=type=bind,from=tools,target=/tools \
    --mount=type=bind,from=version,source=/tmp/version,target=/version \
    export NODE_COMPILE_CACHE=/var/cache/node; \
    find /source -mindepth 1 -maxdepth 1 ! -name node_modules -exec sh -c 'cp -a "$@" ./' sh {} + && \
    sh /tools/node/install.sh "${MANAGER}" "${MANAGER_PACKAGE}" kept && \
    sh /tools/node/build.sh ${MANAGER} run build | \
        node /tools/nginx/assemble.mjs "${DIST_DIR}" /tools/nginx /version /out/image \
            /built/dist /var/cache/node

# What the build wrote, as it is: `invoke verify` holds the image against it.
FROM scratch AS dist
COPY --from=builder /built/dist/ /

# The image that runs: the official nginx, and one layer with the site, its compressed twins, and how to serve them.
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
