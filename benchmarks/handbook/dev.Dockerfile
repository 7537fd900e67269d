# hadolint global ignore=DL3066
# (the book names the user)

# The Docker Handbook's development container: the packages are in the image, and the source is mounted over it.
# The build context is the app's folder.
ARG NODE_IMAGE=node:lts-alpine

FROM scratch AS ca

FROM ${NODE_IMAGE}
EXPOSE 3000
USER node
RUN mkdir -p /home/node/app
WORKDIR /home/node/app
# The lock file is not in the book. With it, all dev servers that are compared have the same packages.
COPY --chown=node:node package.json package-lock.json* ./
# Nor is the mount. Behind a proxy with its own certificate authority, npm needs it to fetch anything.
RUN --mount=type=bind,from=ca,target=/ca \
    if [ -f /ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/ca/ca.pem; fi; \
    npm install
COPY --chown=node:node . .
CMD ["npm", "run", "serve", "--", "--host", "0.0.0.0", "--port", "3000"]
