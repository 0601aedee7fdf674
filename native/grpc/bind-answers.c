#define _GNU_SOURCE
#include "answers.h"
#include "binding.h"

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  wh_answers_release(data);
}

/* -1 when it is no text, or there is no room. */
static int add_path(napi_env env, napi_value text, struct wh_answers *answers, unsigned topic) {
  char path[256];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, text, path, sizeof path, &length) != napi_ok || length >= sizeof path - 1) return -1;
  return wh_answers_add_path(answers, path, topic);
}

static int add_paths(napi_env env, napi_value paths, struct wh_answers *answers, unsigned topic) {
  napi_value path;
  uint32_t length = 0;
  int failed = napi_get_array_length(env, paths, &length) != napi_ok;
  for (uint32_t at = 0; !failed && at < length; at++)
    failed = napi_get_element(env, paths, at, &path) != napi_ok || add_path(env, path, answers, topic);
  return failed;
}

/* answers(paths of topic 0, of topic 1, …) → answers */
static napi_value bind_answers(napi_env env, napi_callback_info info) {
  napi_value topics[WH_ANSWERS_TOPICS_MAX], out = NULL;
  size_t count = WH_ANSWERS_TOPICS_MAX;
  struct wh_answers *answers = wh_answers_new();
  int failed = !answers || napi_get_cb_info(env, info, &count, topics, NULL, NULL) != napi_ok || count > WH_ANSWERS_TOPICS_MAX;
  for (unsigned topic = 0; !failed && topic < count; topic++) failed = add_paths(env, topics[topic], answers, topic);
  if (!failed && napi_create_external(env, answers, on_collected, NULL, &out) == napi_ok) return out;
  if (answers) wh_answers_release(answers);
  napi_throw_error(env, NULL, "wharfd grpc: answers to these paths can't be kept");
  return NULL;
}

/* forget(answers, topic) */
static napi_value bind_forget(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  uint32_t topic = 0;
  void *answers = NULL;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == napi_ok && count == 2 &&
      napi_get_value_external(env, arguments[0], &answers) == napi_ok &&
      napi_get_value_uint32(env, arguments[1], &topic) == napi_ok)
    wh_answers_forget(answers, topic);
  else
    napi_throw_type_error(env, NULL, "wharfd grpc: these are no answers");
  return NULL;
}

void add_answers_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {{"answers", bind_answers}, {"forget", bind_forget}};
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
