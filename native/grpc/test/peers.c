#define _GNU_SOURCE
#include "peers.h"

#include <stdlib.h>
#include <string.h>

int failures;

/* ---- a server that counts what it is told ---- */

static void on_call(void *owner, int32_t stream, const char *headers, size_t length) {
  struct server *server = owner;
  server->calls++;
  server->last_stream = stream;
  snprintf(server->seen, sizeof server->seen, "%.*s", (int)length, headers);
  for (size_t at = 0; at < length; at++)
    if (strcmp(headers + at, ":path") == 0) snprintf(server->seen, sizeof server->seen, "%s", headers + at + 6);
}

static void on_message(void *owner, int32_t stream, uint8_t *bytes, size_t length, int compressed) {
  struct server *server = owner;
  (void)stream;
  server->messages++;
  server->compressed += compressed;
  server->bytes += length;
  free(bytes);
}

static void on_too_large(void *owner, int32_t stream, size_t length) {
  struct server *server = owner;
  (void)stream;
  (void)length;
  server->too_large++;
}

static void on_half_closed(void *owner, int32_t stream, int whole) {
  struct server *server = owner;
  (void)stream;
  if (whole)
    server->half_closed++;
  else
    server->cut_off++;
}

static void on_sent(void *owner, int32_t stream, void *reply) {
  struct server *server = owner;
  (void)stream;
  (void)reply;
  server->sent++;
}

static void on_closed(void *owner, int32_t stream, uint32_t error) {
  struct server *server = owner;
  (void)stream;
  server->closed++;
  server->last_error = error;
}

static struct wh_grpc_events counting(struct server *server) {
  *server = (struct server){0};
  return (struct wh_grpc_events){server, on_call, on_message, on_too_large, on_half_closed, on_sent, on_closed};
}

void open_server(struct server *server) {
  struct wh_grpc_events events = counting(server);
  server->session = wh_grpc_open(&events, MESSAGE_MAX);
  if (!server->session) exit(1);
}

void connect_client(struct server *client) {
  struct wh_grpc_events events = counting(client);
  client->session = wh_grpc_connect(&events, MESSAGE_MAX);
  if (!client->session) exit(1);
}

/* ---- a client ---- */

static int on_client_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                            const uint8_t *value, size_t value_length, uint8_t flags, void *owner) {
  (void)http, (void)frame, (void)flags, (void)value_length;
  struct client *client = owner;
  if (name_length == 11 && !memcmp(name, "grpc-status", 11)) snprintf(client->status, sizeof client->status, "%s", value);
  if (name_length == 7 && !memcmp(name, ":status", 7)) snprintf(client->http_status, sizeof client->http_status, "%s", value);
  return 0;
}

static int on_client_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length, void *owner) {
  (void)http, (void)flags, (void)stream, (void)bytes;
  ((struct client *)owner)->received += length;
  return 0;
}

static int on_client_close(nghttp2_session *http, int32_t stream, uint32_t error, void *owner) {
  (void)http, (void)stream, (void)error;
  ((struct client *)owner)->closed++;
  return 0;
}

static ssize_t read_request(nghttp2_session *http, int32_t stream, uint8_t *bytes, size_t length, uint32_t *flags,
                            nghttp2_data_source *source, void *owner) {
  (void)http, (void)stream, (void)source;
  struct client *client = owner;
  size_t part = client->length - client->done;
  if (part > length) part = length;
  memcpy(bytes, client->body + client->done, part);
  client->done += part;
  if (client->done == client->length) {
    if (!client->half_close) return part ? (ssize_t)part : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return (ssize_t)part;
}

void open_client(struct client *client) {
  *client = (struct client){.half_close = 1, .record = malloc(RECORD_MAX)};
  nghttp2_session_callbacks *callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_client_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_client_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_client_close);
  nghttp2_session_client_new(&client->http, callbacks, client);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(client->http, 0, NULL, 0);
}

void close_client(struct client *client) {
  nghttp2_session_del(client->http);
  free(client->record);
}

static nghttp2_nv field(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0};
}

int32_t begin_call(struct client *client, const char *path, const uint8_t *body, size_t length) {
  client->body = body;
  client->length = length;
  client->done = 0;
  client->received = 0;
  client->status[0] = '\0';
  nghttp2_nv fields[] = {field(":method", "POST"), field(":scheme", "http"), field(":path", path), field(":authority", "localhost"),
                         field("content-type", "application/grpc"), field("te", "trailers"), {0}};
  size_t count = sizeof fields / sizeof *fields - 1;
  if (client->header) fields[count++] = field(client->header, client->value);
  nghttp2_data_provider provider = {.read_callback = read_request};
  return nghttp2_submit_request(client->http, NULL, fields, count, &provider, NULL);
}

void talk(struct client *client, struct server *server, size_t piece) {
  for (int moved = 1; moved;) {
    moved = 0;
    const uint8_t *bytes;
    for (ssize_t length; (length = nghttp2_session_mem_send(client->http, &bytes)) > 0; moved = 1) {
      if (client->recorded + (size_t)length <= RECORD_MAX) {
        memcpy(client->record + client->recorded, bytes, (size_t)length);
        client->recorded += (size_t)length;
      }
      for (size_t at = 0; at < (size_t)length; at += piece) {
        size_t part = (size_t)length - at < piece ? (size_t)length - at : piece;
        EXPECT(wh_grpc_receive(server->session, bytes + at, part) >= 0, 1);
      }
    }
    for (long length; (length = wh_grpc_take(server->session, 10000, &bytes)) > 0; moved = 1)
      EXPECT(nghttp2_session_mem_recv(client->http, bytes, (size_t)length), length);
  }
}

void put_prefix(uint8_t *at, int compressed, size_t length) {
  at[0] = (uint8_t)compressed;
  at[1] = (uint8_t)(length >> 24), at[2] = (uint8_t)(length >> 16), at[3] = (uint8_t)(length >> 8), at[4] = (uint8_t)length;
}
