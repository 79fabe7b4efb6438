#include <string.h>

#include "engine.h"
#include "host/base/error.h"
#include "host/cpu/cpu.h"
#include "host/gpu/gpu.h"

const tlw_backend tlw_backend_order[TLW_BACKENDS] = {TLW_BACKEND_CUDA, TLW_BACKEND_OPENCL, TLW_BACKEND_CPU};

void tlw_engine_devices(tlw_backend backend, struct tlw_device_list *list) {
  if (backend != TLW_BACKEND_CPU) {
    tlw_gpu_list(backend, list);
    return;
  }
  tlw_device cpu;
  tlw_cpu_describe(&cpu);
  tlw_device_list_add(list, &cpu);
}

tlw_status tlw_engine_executor(struct tlw_services *services, const tlw_device *device, struct tlw_executor *executor,
                               tlw_error *error) {
  if (device->backend == TLW_BACKEND_CPU) return tlw_cpu_open(services, executor, error);
  return tlw_gpu_open(services, device, executor, error);
}

/* Rolls a window over one row, which has a backend test what only windows need. */
static tlw_status roll_one(const struct tlw_executor *executor, tlw_error *error) {
  static const int64_t offsets[] = {0, 1};
  const double row = 0;
  double output;
  const struct tlw_window_task task = {
      .window = {.kind = TLK_FOLD_SUM, .op = TLK_OP_SUM, .window = 1, .min_periods = 1}, .x = &row, .output = &output};
  const struct tlw_window_job job = {
      .tasks = &task, .n_tasks = 1, .type = TLW_TYPE_F64, .n_rows = 1, .n_series = 1, .offsets = offsets};
  return executor->ops->windows(executor->state, &job, UINT64_MAX, error);
}

/* Opens the device and closes it again; what fails is its reason. */
static void check_device(struct tlw_services *services, tlw_device *device) {
  /* Without a cache, so that the self-tests run here and now. */
  services->memory.budget = UINT64_MAX;
  services->telemetry.ledger = &services->ledger;
  services->device_budget = TLW_BUDGET_AUTO;
  services->threads = 1;
  services->deadline_ms = TLW_ENGINE_DEADLINE_MS;
  services->cache_dir = "";
  struct tlw_executor executor;
  tlw_error error;
  tlw_status status = tlw_engine_executor(services, device, &executor, &error);
  if (status == TLW_OK) {
    status = roll_one(&executor, &error);
    executor.ops->close(executor.state);
  }
  if (status != TLW_OK) tlw_device_refuse(device, "%.*s", TLW_REASON_SIZE - 1, error.message);
}

static tlw_status check_devices(tlw_device *devices, size_t n, tlw_error *error) {
  for (size_t i = 0; i < n; i++) {
    if (!devices[i].usable) continue;
    struct tlw_services *services = tlw_raw_calloc(1, sizeof *services);
    if (!services) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory to check a device");
    check_device(services, &devices[i]);
    tlw_raw_free(services);
  }
  return TLW_OK;
}

tlw_status tlw_devices(int check, tlw_device *devices, size_t capacity, size_t *count, tlw_error *error) {
  if (!count || (!devices && capacity))
    return tlw_fail(error, TLW_ERR_ARGUMENT, "%s is NULL", count ? "devices" : "count");
  struct tlw_device_list list = {0};
  for (int i = 0; i < TLW_BACKENDS; i++) tlw_engine_devices(tlw_backend_order[i], &list);
  *count = list.count;
  const size_t n = list.count < capacity ? list.count : capacity;
  if (n) memcpy(devices, list.items, n * sizeof *devices);
  const size_t lost = list.lost;
  tlw_device_list_free(&list);
  if (lost) return tlw_fail(error, TLW_ERR_MEMORY, "the system has no memory for a list of devices");
  return check ? check_devices(devices, n, error) : TLW_OK;
}
