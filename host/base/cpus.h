/* What CPUs there are and how many this process may use. */
#ifndef TALLOW_BASE_CPUS_H
#define TALLOW_BASE_CPUS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The CPUs of the affinity mask, or fewer if a cgroup quota (v2 cpu.max or v1 cpu.cfs_quota_us, of the process's
 * group and all above it) allows less: the quota rounded up to whole CPUs. At least 1.
 */
uint32_t tlw_cpus(void);

/* The CPU's name as the kernel gives it, or the architecture's. */
void tlw_cpus_name(char *name, size_t size);

/* Bytes of physical memory, 0 if unknown. */
uint64_t tlw_cpus_memory(void);

/*
 * The quota part alone, in whole CPUs, UINT32_MAX for none. membership is a file like /proc/self/cgroup, mount a
 * folder like /sys/fs/cgroup.
 */
uint32_t tlw_cpus_quota(const char *membership, const char *mount);

#endif
