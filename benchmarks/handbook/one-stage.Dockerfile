# hadolint global ignore=DL3016,DL3018
# (a first attempt takes the versions that there are)

# The Docker Handbook's first way: one image builds the app and serves it, so nginx is installed next to node.
# The build context is the app's folder.
ARG NODE_IMAGE=node:lts-alpine
ARG NGINX_IMAGE=nginx:stable-alpine

FROM ${NGINX_IMAGE} AS nginx

FROM scratch AS ca

FROM ${NODE_IMAGE}
# A stand-in for the node image (docs/bases.md) has no package manager. There, nginx and its libraries are copied from
# the nginx image. The sizes differ by little.
RUN --mount=type=bind,from=nginx,target=/nginx \
    if command -v apk; then \
        apk add --no-cache nginx; \
        printf 'server { listen 80; root /usr/share/nginx/html; }\n' >/etc/nginx/http.d/default.conf; \
    else \
        mkdir -p /var/log/nginx /var/lib/nginx /usr/share/nginx; \
        cp -a /nginx/usr/sbin/nginx /usr/sbin/; \
        cp -a /nginx/etc/nginx /etc/; \
        cp -a /nginx/var/log/nginx /var/log/; \
        for file in /nginx/usr/lib/*-linux-gnu/*; do [ -e "${file#/nginx}" ] || cp -a "$file" "${file#/nginx}"; done; \
        grep '^nginx:' /nginx/etc/passwd >>/etc/passwd; \
        grep '^nginx:' /nginx/etc/group >>/etc/group; \
    fi
EXPOSE 80
WORKDIR /app
COPY package.json ./
# The mount is not in the book. Behind a proxy with its own certificate authority, npm needs it to fetch anything.
RUN --mount=type=bind,from=ca,target=/ca \
    if [ -f /ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/ca/ca.pem; fi; \
    npm install
COPY . .
RUN npm run build
RUN mkdir -p /usr/share/nginx/html && cp -r dist/. /usr/share/nginx/html/
CMD ["nginx", "-g", "daemon off;"]
