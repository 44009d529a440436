FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /rollcall ./cmd/rollcall

FROM alpine:3.22
RUN adduser -D -u 10001 rollcall && mkdir /data && chown rollcall /data
COPY --from=build /rollcall /usr/local/bin/rollcall
USER rollcall
WORKDIR /data
VOLUME /data
ENV ROLLCALL_DATABASE=sqlite:/data/rollcall.db
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD wget -qO /dev/null http://127.0.0.1:8080/readyz
ENTRYPOINT ["rollcall"]
CMD ["serve"]
