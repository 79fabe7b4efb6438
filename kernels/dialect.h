/*
 * One dialect for device code: CUDA C, OpenCL C 1.2 and C11 (CPU tiers and the software driver of the tests).
 *
 * A kernel is TLK_KERNEL(name, args_type) { ... }: it sees its arguments as `a` and a slab of device memory as `m`.
 * Offsets in `a` are bytes into the slab. Groups and lanes are one-dimensional. Lanes of a group meet at TLK_BARRIER,
 * behind which they see each other's shared memory, and at TLK_GLOBAL_BARRIER, behind which they see what they wrote to
 * the slab. TLK_LONG_FN is a function that a device calls: in line, from all its places, it would take a minute to
 * compile. tlk_quad is four words x, y, z, w that are written at once, to an address that is a multiple of 16.
 */
#ifndef TLK_DIALECT_H
#define TLK_DIALECT_H

#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)

#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#pragma OPENCL FP_CONTRACT OFF

typedef uchar tlk_u8;
typedef ushort tlk_u16;
typedef int tlk_i32;
typedef uint tlk_u32;
typedef long tlk_i64;
typedef ulong tlk_u64;
typedef uint4 tlk_quad;

#define TLK_INFINITY INFINITY
#define TLK_NAN as_double(0x7ff8000000000000ul) /* NAN has other bits on some */
#define TLK_SQRT(x) sqrt(x)
#define TLK_BITS(x) as_ulong(x)
#define TLK_FROM_BITS(x) as_double(x)
#define TLK_FN static inline
#define TLK_LONG_FN static __attribute__((noinline))
#define TLK_CONSTANT __constant
#define TLK_GLOBAL __global
#define TLK_LOCAL __local
#define TLK_UNROLL
#define TLK_SHARED(type, name, count) __local type name[count]
#define TLK_BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define TLK_GLOBAL_BARRIER() barrier(CLK_GLOBAL_MEM_FENCE)
#define TLK_GROUP() ((tlk_u32)get_group_id(0))
#define TLK_LANE() ((tlk_u32)get_local_id(0))
#define TLK_KERNEL(name, args_type) __kernel void name(const args_type a, __global tlk_u8 *m)

#elif defined(__CUDACC__)

typedef unsigned char tlk_u8;
typedef unsigned short tlk_u16;
typedef int tlk_i32;
typedef unsigned int tlk_u32;
typedef long long tlk_i64;
typedef unsigned long long tlk_u64;
typedef uint4 tlk_quad;

#define TLK_INFINITY __longlong_as_double(0x7ff0000000000000ll)
#define TLK_NAN __longlong_as_double(0x7ff8000000000000ll)
#define TLK_SQRT(x) __dsqrt_rn(x)
#define TLK_BITS(x) ((tlk_u64)__double_as_longlong(x))
#define TLK_FROM_BITS(x) __longlong_as_double((tlk_i64)(x))
#define TLK_FN static __device__ __forceinline__
#define TLK_LONG_FN static __device__ __noinline__
#define TLK_CONSTANT static __device__ const
#define TLK_GLOBAL
#define TLK_LOCAL
#define TLK_UNROLL _Pragma("unroll")
#define TLK_SHARED(type, name, count) __shared__ type name[count]
#define TLK_BARRIER() __syncthreads()
#define TLK_GLOBAL_BARRIER() __syncthreads()
#define TLK_GROUP() (blockIdx.x)
#define TLK_LANE() (threadIdx.x)
#define TLK_KERNEL(name, args_type) extern "C" __global__ void name(const args_type a, tlk_u8 *m)

#else

#include <stdint.h>

typedef uint8_t tlk_u8;
typedef uint16_t tlk_u16;
typedef int32_t tlk_i32;
typedef uint32_t tlk_u32;
typedef int64_t tlk_i64;
typedef uint64_t tlk_u64;

typedef struct {
  _Alignas(16) tlk_u32 x;
  tlk_u32 y, z, w;
} tlk_quad;

union tlk_double {
  double number;
  tlk_u64 bits;
};

#define TLK_INFINITY __builtin_inf()
#define TLK_NAN __builtin_nan("")
#define TLK_SQRT(x) __builtin_sqrt(x)
#define TLK_BITS(x) (((union tlk_double){.number = (x)}).bits)
#define TLK_FROM_BITS(x) (((union tlk_double){.bits = (x)}).number)
#define TLK_FN static inline __attribute__((unused))
#define TLK_LONG_FN TLK_FN
#define TLK_CONSTANT static const

#define TLK_GLOBAL
#define TLK_LOCAL
#define TLK_UNROLL

/* Kernels themselves are compiled as C11 only by the software driver, which runs their groups. */
#ifdef TLK_HOST_KERNELS
#include <stddef.h>
tlk_u32 tlk_host_group(void);
tlk_u32 tlk_host_lane(void);
void tlk_host_barrier(void);
/* The same memory for all lanes of a group: the nth request of each lane meets the nth of the others. */
void *tlk_host_shared(size_t size);
#define TLK_SHARED(type, name, count) type *const name = (type *)tlk_host_shared(sizeof(type) * (count))
#define TLK_BARRIER() tlk_host_barrier()
#define TLK_GLOBAL_BARRIER() tlk_host_barrier()
#define TLK_GROUP() tlk_host_group()
#define TLK_LANE() tlk_host_lane()
#define TLK_KERNEL(name, args_type)                                                                                    \
  static void name##_body(const args_type a, tlk_u8 *m);                                                               \
  void name(const void *const *parameters);                                                                            \
  void name(const void *const *parameters) {                                                                           \
    name##_body(*(const args_type *)parameters[0], *(tlk_u8 *const *)parameters[1]);                                   \
  }                                                                                                                    \
  static void name##_body(const args_type a, tlk_u8 *m)
#endif

#endif

/* Slabs are bytes; data in them is reached by a typed offset. */
#define TLK_AT(type, slab, offset) ((TLK_GLOBAL type *)((slab) + (offset)))

#endif
