// Compiles only if host/gpu/cuda_api.h agrees with the toolkit's cuda.h: values, layouts and parameters.
#include <cstddef>
#include <cuda.h>
#include <type_traits>

// Two names that are in both headers.
#define CU_STREAM_NON_BLOCKING OUR_STREAM_NON_BLOCKING
#define CU_EVENT_DISABLE_TIMING OUR_EVENT_DISABLE_TIMING
#include "host/gpu/cuda_api.h"
#undef CU_STREAM_NON_BLOCKING
#undef CU_EVENT_DISABLE_TIMING

#define SAME(ours, theirs) static_assert(int(ours) == int(theirs), #ours " is not " #theirs)
SAME(CU_SUCCESS, CUDA_SUCCESS);
SAME(CU_INVALID_VALUE, CUDA_ERROR_INVALID_VALUE);
SAME(CU_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME(CU_NOT_INITIALIZED, CUDA_ERROR_NOT_INITIALIZED);
SAME(CU_DEINITIALIZED, CUDA_ERROR_DEINITIALIZED);
SAME(CU_NO_DEVICE, CUDA_ERROR_NO_DEVICE);
SAME(CU_INVALID_DEVICE, CUDA_ERROR_INVALID_DEVICE);
SAME(CU_INVALID_IMAGE, CUDA_ERROR_INVALID_IMAGE);
SAME(CU_INVALID_CONTEXT, CUDA_ERROR_INVALID_CONTEXT);
SAME(CU_NO_BINARY_FOR_GPU, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(CU_ECC_UNCORRECTABLE, CUDA_ERROR_ECC_UNCORRECTABLE);
SAME(CU_INVALID_HANDLE, CUDA_ERROR_INVALID_HANDLE);
SAME(CU_NOT_FOUND, CUDA_ERROR_NOT_FOUND);
SAME(CU_NOT_READY, CUDA_ERROR_NOT_READY);
SAME(CU_ILLEGAL_ADDRESS, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(CU_LAUNCH_OUT_OF_RESOURCES, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(CU_LAUNCH_TIMEOUT, CUDA_ERROR_LAUNCH_TIMEOUT);
SAME(CU_CONTEXT_IS_DESTROYED, CUDA_ERROR_CONTEXT_IS_DESTROYED);
SAME(CU_HARDWARE_STACK_ERROR, CUDA_ERROR_HARDWARE_STACK_ERROR);
SAME(CU_ILLEGAL_INSTRUCTION, CUDA_ERROR_ILLEGAL_INSTRUCTION);
SAME(CU_MISALIGNED_ADDRESS, CUDA_ERROR_MISALIGNED_ADDRESS);
SAME(CU_INVALID_ADDRESS_SPACE, CUDA_ERROR_INVALID_ADDRESS_SPACE);
SAME(CU_INVALID_PC, CUDA_ERROR_INVALID_PC);
SAME(CU_LAUNCH_FAILED, CUDA_ERROR_LAUNCH_FAILED);
SAME(CU_UNKNOWN, CUDA_ERROR_UNKNOWN);
SAME(CU_ATTRIBUTE_MULTIPROCESSOR_COUNT, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(CU_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(CU_ATTRIBUTE_SINGLE_TO_DOUBLE_RATIO, CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO);
SAME(CU_MEMORY_HOST, CU_MEMORYTYPE_HOST);
SAME(CU_MEMORY_DEVICE, CU_MEMORYTYPE_DEVICE);
SAME(OUR_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME(OUR_EVENT_DISABLE_TIMING, CU_EVENT_DISABLE_TIMING);

SAME(sizeof(cu_uuid), sizeof(CUuuid));
SAME(sizeof(cu_copy_2d), sizeof(CUDA_MEMCPY2D));
#define SAME_MEMBER(ours, theirs)                                                                                      \
  SAME(offsetof(cu_copy_2d, ours), offsetof(CUDA_MEMCPY2D, theirs));                                                   \
  SAME(sizeof(cu_copy_2d::ours), sizeof(CUDA_MEMCPY2D::theirs))
SAME_MEMBER(src_x, srcXInBytes);
SAME_MEMBER(src_y, srcY);
SAME_MEMBER(src_type, srcMemoryType);
SAME_MEMBER(src_host, srcHost);
SAME_MEMBER(src_device, srcDevice);
SAME_MEMBER(src_array, srcArray);
SAME_MEMBER(src_pitch, srcPitch);
SAME_MEMBER(dst_x, dstXInBytes);
SAME_MEMBER(dst_y, dstY);
SAME_MEMBER(dst_type, dstMemoryType);
SAME_MEMBER(dst_host, dstHost);
SAME_MEMBER(dst_device, dstDevice);
SAME_MEMBER(dst_array, dstArray);
SAME_MEMBER(dst_pitch, dstPitch);
SAME_MEMBER(width, WidthInBytes);
SAME_MEMBER(height, Height);

// An enumeration counts as an int, and a struct as ours that was compared above.
template <class T> struct plain { using type = std::conditional_t<std::is_enum_v<T>, int, T>; };
template <class T> struct plain<const T> { using type = const typename plain<T>::type; };
template <class T> struct plain<T *> { using type = typename plain<T>::type *; };
template <> struct plain<CUuuid> { using type = cu_uuid; };
template <> struct plain<CUDA_MEMCPY2D> { using type = cu_copy_2d; };
template <class R, class... A> struct plain<R(A...)> {
  using type = typename plain<R>::type(typename plain<A>::type...);
};
template <class Ours, class Theirs> constexpr bool same = std::is_same_v<Ours, typename plain<Theirs>::type>;

static_assert(same<int(int *), CUresult(CUdevice *)>);
static_assert(!same<int(int *), CUresult(const int *)>);
static_assert(!same<int(int), CUresult(unsigned)>);
static_assert(!same<int(int), CUresult(int, int)>);

#define X(symbol, member, parameters) static_assert(same<cu_result parameters, decltype(symbol)>, #symbol);
CU_FUNCTIONS(X)
#undef X
