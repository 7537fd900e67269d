# The Docker Handbook's second way: node builds in its own stage, and nginx's image gets only the result.
# The build context is the app's folder.
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

FROM scratch AS ca

FROM ${NODE_IMAGE} AS builder
WORKDIR /app
COPY package.json ./
# The mount is not in the book. Behind a proxy with its own certificate authority, npm needs it to fetch anything.
RUN --mount=type=bind,from=ca,target=/ca \
    if [ -f /ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/ca/ca.pem; fi; \
    npm install
COPY . .
RUN npm run build

FROM ${NGINX_IMAGE}
EXPOSE 80
COPY --from=builder /app/dist /usr/share/nginx/html
