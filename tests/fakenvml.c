/*
 * Takes the place of NVIDIA's management library in processes of their own. There are a GPU "GPU-1", whose clocks fall
 * and which power and heat hold back, "GPU-2", which tells little, and a part "MIG-1" of the first.
 */
#include <stdio.h>
#include <string.h>

enum { OK = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, CLOCK_CORE = 1 };

struct nvml_device {
  const char *uuid;
};
static struct nvml_device devices[] = {{"GPU-1"}, {"GPU-2"}, {"MIG-1"}};

int nvmlInit_v2(void);
int nvmlSystemGetDriverVersion(char *text, unsigned size);
int nvmlDeviceGetHandleByUUID(const char *uuid, struct nvml_device **device);
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct nvml_device *part, struct nvml_device **whole);
int nvmlDeviceGetClockInfo(struct nvml_device *device, int type, unsigned *megahertz);
int nvmlDeviceGetMaxClockInfo(struct nvml_device *device, int type, unsigned *megahertz);
int nvmlDeviceGetCurrentClocksThrottleReasons(struct nvml_device *device, unsigned long long *reasons);

int nvmlInit_v2(void) { return OK; }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
  snprintf(text, size, "580.95.05");
  return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, struct nvml_device **device) {
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (strcmp(devices[i].uuid, uuid) == 0) {
      *device = &devices[i];
      return OK;
    }
  return NOT_FOUND;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct nvml_device *part, struct nvml_device **whole) {
  (void)part;
  *whole = &devices[0];
  return OK;
}

int nvmlDeviceGetClockInfo(struct nvml_device *device, int type, unsigned *megahertz) {
  static const unsigned falling[] = {345, 1980, 1200, 1500};
  static unsigned asked;
  if (device != &devices[0]) return NOT_SUPPORTED;
  *megahertz = type == CLOCK_CORE ? falling[asked++ % 4] : 2619;
  return OK;
}

int nvmlDeviceGetMaxClockInfo(struct nvml_device *device, int type, unsigned *megahertz) {
  if (device != &devices[0]) return NOT_SUPPORTED;
  *megahertz = type == CLOCK_CORE ? 1980 : 2619;
  return OK;
}

/* First that it has nothing to do, then power, then power and heat. */
int nvmlDeviceGetCurrentClocksThrottleReasons(struct nvml_device *device, unsigned long long *reasons) {
  static const unsigned long long seen[] = {1, 4, 4 | 0x40};
  static unsigned asked;
  if (device != &devices[0]) return NOT_SUPPORTED;
  *reasons = seen[asked++ % 3];
  return OK;
}
