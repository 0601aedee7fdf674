/* Mount calls may wait for disks, so they run on a thread of libuv's pool and answer by a promise of the number. */
#define _GNU_SOURCE
#include "binding.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_TEXTS = 6 };

struct list {
  char **texts;
  uint32_t count;
};

struct job {
  napi_async_work work;
  napi_deferred deferred;
  int (*run)(const struct job *job);
  int result;
  char *text[MAX_TEXTS];
  int64_t number[MAX_TEXTS];
  struct list lower, options;
};

static void free_list(struct list *list) {
  for (uint32_t i = 0; i < list->count; i++) free(list->texts[i]);
  free(list->texts);
}

static void free_job(struct job *job) {
  for (int i = 0; i < MAX_TEXTS; i++) free(job->text[i]);
  free_list(&job->lower);
  free_list(&job->options);
  free(job);
}

static void execute(napi_env env, void *data) {
  (void)env;
  struct job *job = data;
  job->result = job->run(job);
}

static void complete(napi_env env, napi_status status, void *data) {
  struct job *job = data;
  napi_delete_async_work(env, job->work);
  napi_resolve_deferred(env, job->deferred, number(env, status == napi_ok ? job->result : -ECANCELED));
  free_job(job);
}

/* Runs the job and frees it, also when its arguments are wrong. */
static napi_value start(struct call *call, struct job *job) {
  napi_value promise = NULL, name = NULL;
  if (!call_is_good(call, &promise)) {
    free_job(job);
    return promise;
  }
  napi_env env = call->env;
  napi_create_string_utf8(env, "wharfd", NAPI_AUTO_LENGTH, &name);
  if (napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, job, &job->work) != napi_ok) {
    free_job(job);
    return number(env, -ENOMEM);
  }
  if (napi_queue_async_work(env, job->work) != napi_ok) complete(env, napi_generic_failure, job);
  return promise;
}

static struct job *new_job(int (*run)(const struct job *job)) {
  struct job *job = calloc(1, sizeof *job);
  if (!job) abort(); /* a hundred bytes: nothing can go on */
  job->run = run;
  return job;
}

static void take_list(struct call *call, int index, struct list *list) {
  napi_value array = call->arguments[index], item;
  uint32_t length = 0;
  if (napi_get_array_length(call->env, array, &length) != napi_ok) call->wrong = 1;
  if (length == 0) return;
  list->texts = calloc(length, sizeof *list->texts);
  if (!list->texts) call->failed = -ENOMEM;
  for (uint32_t i = 0; list->texts && i < length; i++) {
    napi_get_element(call->env, array, i, &item);
    list->texts[list->count++] = text_of(call, item);
  }
}

static int run_mount(const struct job *job) {
  return wh_mount(job->text[0], job->text[1], job->text[2], (unsigned long)job->number[0], job->text[3]);
}

static napi_value bind_mount(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_mount);
  for (int i = 0; i < 3; i++) job->text[i] = take_text(&call, i);
  job->number[0] = take_int64(&call, 3);
  job->text[3] = take_text(&call, 4);
  return start(&call, job);
}

static struct wh_attributes attributes_of(const struct job *job) {
  return (struct wh_attributes){.set = (uint64_t)job->number[0],
                                .clear = (uint64_t)job->number[1],
                                .propagation = (uint64_t)job->number[2],
                                .recursive = job->number[3] != 0};
}

static int run_bind(const struct job *job) {
  struct wh_attributes attributes = attributes_of(job);
  attributes.user_namespace = (int)job->number[5];
  return wh_bind(job->text[0], job->text[1], job->number[4] != 0, &attributes);
}

static int run_set_attributes(const struct job *job) {
  struct wh_attributes attributes = attributes_of(job);
  return wh_set_attributes(job->text[0], &attributes);
}

static napi_value bind_bind(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_bind);
  for (int i = 0; i < 2; i++) job->text[i] = take_text(&call, i);
  for (int i = 0; i < 6; i++) job->number[i] = take_int64(&call, 2 + i);
  return start(&call, job);
}

static napi_value bind_set_attributes(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_set_attributes);
  job->text[0] = take_text(&call, 0);
  for (int i = 0; i < 4; i++) job->number[i] = take_int64(&call, 1 + i);
  return start(&call, job);
}

static int run_mount_layers(const struct job *job) {
  const struct wh_layers layers = {
      .source = job->text[0],
      .target = job->text[1],
      .directory = job->text[2],
      .data = job->text[3],
      .flags = (unsigned)job->number[0],
      .attributes = (uint64_t)job->number[1],
      .lower = (const char *const *)job->lower.texts,
      .lower_count = job->lower.count,
      .options = (const char *const *)job->options.texts,
      .option_count = job->options.count / 2,
  };
  return wh_mount_layers(&layers);
}

static napi_value bind_mount_layers(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_mount_layers);
  for (int i = 0; i < 4; i++) job->text[i] = take_text(&call, i);
  for (int i = 0; i < 2; i++) job->number[i] = take_int64(&call, 4 + i);
  take_list(&call, 6, &job->lower);
  take_list(&call, 7, &job->options);
  return start(&call, job);
}

static int run_mount_mapped_layers(const struct job *job) {
  const struct wh_layers layers = {
      .source = job->text[0],
      .target = job->text[1],
      .data = job->text[2],
      .flags = (unsigned)job->number[0],
      .lower = (const char *const *)job->lower.texts,
      .lower_count = job->lower.count,
  };
  return wh_mount_mapped_layers(&layers, (int)job->number[1]);
}

static napi_value bind_mount_mapped_layers(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_mount_mapped_layers);
  for (int i = 0; i < 3; i++) job->text[i] = take_text(&call, i);
  for (int i = 0; i < 2; i++) job->number[i] = take_int64(&call, 3 + i);
  take_list(&call, 5, &job->lower);
  return start(&call, job);
}

static int run_user_namespace(const struct job *job) { return wh_user_namespace(job->text[0], job->text[1]); }

static napi_value bind_user_namespace(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_user_namespace);
  for (int i = 0; i < 2; i++) job->text[i] = take_text(&call, i);
  return start(&call, job);
}

static int run_unmount(const struct job *job) { return wh_unmount(job->text[0], (int)job->number[0]); }

static napi_value bind_unmount(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_unmount);
  job->text[0] = take_text(&call, 0);
  job->number[0] = take_int64(&call, 1);
  return start(&call, job);
}

static int run_sync(const struct job *job) { return (int)wh_result(syncfs((int)job->number[0])); }

static napi_value bind_sync_later(napi_env env, napi_callback_info info) {
  struct call call = begin_call(env, info);
  struct job *job = new_job(run_sync);
  job->number[0] = take_int64(&call, 0);
  return start(&call, job);
}

void add_mount_bindings(napi_env env, napi_value exports) {
  static const struct binding bindings[] = {
      {"mount", bind_mount},
      {"bind", bind_bind},
      {"setAttributes", bind_set_attributes},
      {"mountLayers", bind_mount_layers},
      {"mountMappedLayers", bind_mount_mapped_layers},
      {"userNamespace", bind_user_namespace},
      {"unmount", bind_unmount},
      {"syncFileSystemLater", bind_sync_later},
  };
  add_bindings(env, exports, bindings, COUNT_OF(bindings));
}
