# SIMD tiers of the CPU backend and of the CSV reader: host/cpu/tier_ops.c and host/io/plain_ops.c, compiled once per
# instruction set.

function(tallow_add_tier target name lanes)
  set(library tallow_tier_${name})
  add_library(${library} OBJECT host/cpu/tier_ops.c host/io/plain_ops.c)
  target_link_libraries(${library} PRIVATE tallow_flags)
  target_compile_definitions(${library} PRIVATE TLK_LANES=${lanes} TLW_TIER=tlw_cpu_tier_${name}
                                                TLW_PLAIN_TIER=tlw_plain_tier_${name} TLW_TIER_NAME="${name}")
  # Vectors wider than the registers of a tier never cross a call, so their ABI does not matter.
  target_compile_options(${library} PRIVATE -O3 -Wno-psabi ${ARGN})
  target_sources(${target} INTERFACE $<TARGET_OBJECTS:${library}>)
endfunction()

function(tallow_add_tiers target)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    tallow_add_tier(${target} neon 2)
  else()
    tallow_add_tier(${target} baseline 2)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    tallow_add_tier(${target} avx2 4 -mavx2)
    tallow_add_tier(${target} avx512 8 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  endif()
endfunction()
