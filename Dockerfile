# onelane serve, from the packages as they are published. Build: docker build -t onelane .
FROM node:24-slim AS build
WORKDIR /onelane
COPY . .
RUN npm ci --ignore-scripts \
  && npm run build \
  && mkdir /tarballs \
  && node .ci/pack.mjs /tarballs \
  && npm install --prefix /app --omit=dev --ignore-scripts /tarballs/*.tgz

FROM node:24-slim
ENV NODE_ENV=production ONELANE_HOST=0.0.0.0 ONELANE_PORT=8080 ONELANE_STORAGE=/data/checkout.db
COPY --from=build /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "/app/node_modules/@onelane/server/bin/ready.js"]
ENTRYPOINT ["node", "/app/node_modules/@onelane/server/bin/onelane.js"]
CMD ["serve"]
