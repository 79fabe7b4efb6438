#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* A module holds all kernels; its image is only looked at, to see that it is one. */
typedef struct module {
  size_t count;
  cu_function functions[]; /* NULL until asked for */
} module;

/* ---- kernels ---- */

static size_t kernel_count(void) { return sc_product_kernel_count + sc_test_kernel_count; }

static const sc_kernel *kernel_at(size_t i) {
  return i < sc_product_kernel_count ? &sc_product_kernels[i] : &sc_test_kernels[i - sc_product_kernel_count];
}

/* kernel_count() if there is none of that name. */
static size_t find_kernel(const char *name) {
  size_t i = 0;
  while (i < kernel_count() && strcmp(kernel_at(i)->name, name) != 0) ++i;
  return i;
}

/* ---- modules ---- */

static bool is_image(const void *image) {
  static const unsigned char fatbin[] = {0x50, 0xED, 0x55, 0xBA};
  static const char software[] = "tallow software image 1\n";
  return memcmp(image, fatbin, sizeof fatbin) == 0 || strncmp(image, software, sizeof software - 1) == 0;
}

static cu_result module_load(sc_context *context, cu_module *handle, const void *image) {
  if (handle == NULL || image == NULL) return CU_INVALID_VALUE;
  if (!is_image(image)) return CU_INVALID_IMAGE;
  module *m = calloc(1, sizeof *m + kernel_count() * sizeof *m->functions);
  if (m == NULL) return CU_OUT_OF_MEMORY;
  m->count = kernel_count();
  const cu_module number = sc_handle_new(SC_MODULE, context, m);
  if (number == NULL) {
    free(m);
    return CU_OUT_OF_MEMORY;
  }
  ++sc.stats.modules;
  *handle = number;
  return CU_SUCCESS;
}

cu_result cuModuleLoadData(cu_module *handle, const void *image) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuModuleLoadData, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = module_load(context, handle, image);
  return sc_leave(result);
}

static void close_module(cu_module handle) {
  module *m = sc_handle_object(handle, SC_MODULE, NULL);
  for (size_t i = 0; i < m->count; ++i)
    if (m->functions[i] != NULL) sc_handle_close(m->functions[i]);
  sc_handle_close(handle);
  --sc.stats.modules;
  free(m);
}

void sc_module_release(sc_context *context) {
  cu_module handle;
  while ((handle = sc_handle_first(SC_MODULE, context)) != NULL) close_module(handle);
}

static cu_result module_unload(sc_context *context, cu_module handle) {
  if (sc_handle_object(handle, SC_MODULE, context) == NULL) return CU_INVALID_HANDLE;
  sc_stream_drain(context);
  if (context->error == CU_SUCCESS) close_module(handle);
  return context->error;
}

cu_result cuModuleUnload(cu_module handle) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuModuleUnload, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = module_unload(context, handle);
  return sc_leave(result);
}

static cu_result module_function(sc_context *context, cu_function *function, cu_module handle, const char *name) {
  if (function == NULL || name == NULL) return CU_INVALID_VALUE;
  module *m = sc_handle_object(handle, SC_MODULE, context);
  if (m == NULL) return CU_INVALID_HANDLE;
  const size_t i = find_kernel(name);
  if (i == kernel_count()) return CU_NOT_FOUND;
  if (m->functions[i] == NULL) m->functions[i] = sc_handle_new(SC_KERNEL, context, (void *)(uintptr_t)kernel_at(i));
  if (m->functions[i] == NULL) return CU_OUT_OF_MEMORY;
  *function = m->functions[i];
  return CU_SUCCESS;
}

cu_result cuModuleGetFunction(cu_function *function, cu_module handle, const char *name) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuModuleGetFunction, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) result = module_function(context, function, handle, name);
  return sc_leave(result);
}

/* ---- launches ---- */

typedef struct shape {
  unsigned x, y, z;
} shape;

/* As the dialect has it: groups and lanes in one dimension, no shared memory but the kernel's own. */
static bool launchable(shape grid, shape block, unsigned shared_bytes, void **parameters, void **extra) {
  if (grid.x == 0 || grid.x > 0x7fffffff || grid.y != 1 || grid.z != 1) return false;
  if (block.x == 0 || block.x > SC_MAX_LANES || block.y != 1 || block.z != 1) return false;
  return shared_bytes == 0 && extra == NULL && parameters != NULL && parameters[0] != NULL && parameters[1] != NULL;
}

static cu_result launch(sc_stream *stream, const sc_kernel *kernel, unsigned groups, unsigned lanes,
                        void **parameters) {
  sc_launch what = {.kernel = kernel, .groups = groups, .lanes = lanes, .args = malloc(kernel->args_size)};
  if (what.args == NULL) return CU_OUT_OF_MEMORY;
  memcpy(what.args, parameters[0], kernel->args_size);
  memcpy(&what.slab, parameters[1], sizeof what.slab);
  return sc_stream_launch(stream, &what);
}

cu_result cuLaunchKernel(cu_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                         unsigned block_y, unsigned block_z, unsigned shared_bytes, cu_stream handle, void **parameters,
                         void **extra) {
  sc_context *context;
  cu_result result = sc_enter(SC_cuLaunchKernel, SC_NEED_CONTEXT, &context);
  if (result == CU_SUCCESS) {
    const sc_kernel *kernel = sc_handle_object(function, SC_KERNEL, context);
    sc_stream *stream = sc_stream_get(context, handle);
    const shape grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
    if (kernel == NULL || stream == NULL)
      result = CU_INVALID_HANDLE;
    else if (!launchable(grid, block, shared_bytes, parameters, extra))
      result = CU_INVALID_VALUE;
    else
      result = launch(stream, kernel, grid_x, block_x, parameters);
  }
  return sc_leave(result);
}
