/* What the driver tells the sanitizers. */
#ifndef TALLOW_SOFTCUDA_SANITIZE_H
#define TALLOW_SOFTCUDA_SANITIZE_H

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SC_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define SC_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SC_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define SC_TSAN 1
#endif
#ifndef SC_ASAN
#define SC_ASAN 0
#endif
#ifndef SC_TSAN
#define SC_TSAN 0
#endif

#if SC_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SC_FORBID(start, size) __asan_poison_memory_region(start, size)
#define SC_ALLOW(start, size) __asan_unpoison_memory_region(start, size)
#define SC_NO_ASAN __attribute__((no_sanitize("address")))
#else
#define SC_FORBID(start, size) ((void)(start), (void)(size))
#define SC_ALLOW(start, size) ((void)(start), (void)(size))
#define SC_NO_ASAN
#endif

#if SC_TSAN
#include <sanitizer/tsan_interface.h>
#define SC_ACQUIRE(token) __tsan_acquire(token)
#define SC_RELEASE(token) __tsan_release(token)
/* For code that runs on the lanes of a block and keeps the order of their switches itself. */
#define SC_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define SC_ACQUIRE(token) ((void)(token))
#define SC_RELEASE(token) ((void)(token))
#define SC_NO_TSAN
#endif

#endif
