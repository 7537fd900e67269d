# The Docker Handbook's second approach: node builds in a stage of its own, and nginx's image gets the result alone.
# The build context is the app's folder.
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

FROM scratch AS ca

FROM ${NODE_IMAGE} AS builder
WORKDIR /app
COPY package.json ./
# The mount is ours, not the book's: behind a local certificate authority npm fetches nothing without it (Dockerfile).
RUN --mount=type=bind,from=ca,target=/ca \
    if [ -f /ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/ca/ca.pem; fi; \
    npm install
COPY . .
RUN npm run build

FROM ${NGINX_IMAGE}
EXPOSE 80
COPY --from=builder /app/dist /usr/share/nginx/html
