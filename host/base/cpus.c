#include "cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PATH_SIZE 4096

static uint32_t whole_cpus(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return UINT32_MAX;
  const long long cpus = (quota - 1) / period + 1;
  return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

static bool read_text(const char *folder, const char *file, char *text, int size) {
  char path[PATH_SIZE + 64];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  FILE *stream = fopen(path, "re");
  if (!stream) return false;
  const bool read = fgets(text, size, stream) != NULL;
  fclose(stream);
  return read;
}

static uint32_t group_quota(const char *folder) {
  char text[64], period[64];
  long long q, p;
  if (read_text(folder, "cpu.max", text, sizeof text)) /* "max 100000" or "150000 100000" */
    return sscanf(text, "%lld %lld", &q, &p) == 2 ? whole_cpus(q, p) : UINT32_MAX;
  if (read_text(folder, "cpu.cfs_quota_us", text, sizeof text) &&
      read_text(folder, "cpu.cfs_period_us", period, sizeof period))
    return whole_cpus(strtoll(text, NULL, 10), strtoll(period, NULL, 10));
  return UINT32_MAX;
}

/* The least quota of the group at mount + path and of those above it. */
static uint32_t least_quota(const char *mount, const char *path) {
  char folder[PATH_SIZE];
  const int length = snprintf(folder, sizeof folder, "%s%s", mount, path);
  if (length < 0 || length >= (int)sizeof folder) return UINT32_MAX;
  uint32_t least = UINT32_MAX;
  for (;;) {
    const uint32_t quota = group_quota(folder);
    if (quota < least) least = quota;
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)(slash - folder) < strlen(mount)) return least;
    *slash = 0;
  }
}

uint32_t tlw_cpus_quota(const char *membership, const char *mount) {
  FILE *stream = fopen(membership, "re");
  if (!stream) return UINT32_MAX;
  uint32_t least = UINT32_MAX;
  char line[PATH_SIZE];
  while (fgets(line, sizeof line, stream)) { /* "hierarchy:controllers:path"; v2 has no controllers */
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) continue;
    *path++ = 0;
    controllers++;
    char root[PATH_SIZE];
    const bool unified = !*controllers;
    if (!unified && !strstr(controllers, "cpu")) continue;
    snprintf(root, sizeof root, "%s%s%s", mount, unified ? "" : "/", unified ? "" : controllers);
    const uint32_t quota = least_quota(root, strcmp(path, "/") == 0 ? "" : path);
    if (quota < least) least = quota;
  }
  fclose(stream);
  return least;
}

static uint32_t affinity_cpus(void) {
  /* The kernel refuses a mask shorter than its own, so grow it. */
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    cpu_set_t *set = CPU_ALLOC((size_t)bits);
    if (!set) break;
    const size_t size = CPU_ALLOC_SIZE((size_t)bits);
    const bool got = sched_getaffinity(0, size, set) == 0;
    const int count = got ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (got) return count > 0 ? (uint32_t)count : 1;
  }
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (uint32_t)online : 1;
}

uint32_t tlw_cpus(void) {
  const uint32_t allowed = affinity_cpus();
  const uint32_t quota = tlw_cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota < allowed ? quota : allowed;
}

void tlw_cpus_name(char *name, size_t size) {
  struct utsname machine;
  snprintf(name, size, "%s CPU", uname(&machine) == 0 ? machine.machine : "unknown");
  FILE *stream = fopen("/proc/cpuinfo", "re");
  if (!stream) return;
  char line[512];
  while (fgets(line, sizeof line, stream)) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    line[strcspn(line, "\n")] = 0;
    snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
    break;
  }
  fclose(stream);
}

uint64_t tlw_cpus_memory(void) {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}
