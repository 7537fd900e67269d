# hadolint global ignore=DL3066
# (the user by its name, as the book has it)

# The Docker Handbook's development container: the packages in the image, the source mounted over it.
# The build context is the app's folder.
ARG NODE_IMAGE=node:lts-alpine

FROM scratch AS ca

FROM ${NODE_IMAGE}
EXPOSE 3000
USER node
RUN mkdir -p /home/node/app
WORKDIR /home/node/app
# The lock file is ours, not the book's: so that it has the same packages as whoever it is compared with.
COPY --chown=node:node package.json package-lock.json* ./
# The mount is ours, too: behind a local certificate authority npm fetches nothing without it (Dockerfile).
RUN --mount=type=bind,from=ca,target=/ca \
    if [ -f /ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/ca/ca.pem; fi; \
    npm install
COPY --chown=node:node . .
CMD ["npm", "run", "serve", "--", "--host", "0.0.0.0", "--port", "3000"]
