# SIMD tiers of the CPU backend and of the CSV reader: these sources, compiled once per instruction set.
set(window_sources
    host/cpu/window_fold.c
    host/cpu/window_fold_counted.c
    host/cpu/window_fold_whole.c
    host/cpu/window_ops.c
    host/cpu/window_order.c
    host/cpu/window_scan.c)
set(tier_sources host/cpu/tier_ops.c host/io/plain_ops.c ${window_sources})

function(tallow_add_tier target name lanes)
  set(library tallow_tier_${name})
  add_library(${library} OBJECT ${tier_sources})
  target_link_libraries(${library} PRIVATE tallow_flags)
  target_compile_definitions(${library} PRIVATE TLK_LANES=${lanes} TLW_TIER=tlw_cpu_tier_${name}
                                                TLW_PLAIN_TIER=tlw_plain_tier_${name} TLW_TIER_NAME="${name}"
                                                TLW_TIER_SUFFIX=${name})
  # Tracking variables through functions of this size takes longer than compiling them, and sanitizers far longer.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${library} PRIVATE -fno-var-tracking)
  endif()
  # Targets of the fuzzers read files; of the tiers only the reader's is for them, and windows take minutes to compile.
  if(CMAKE_C_FLAGS MATCHES "-fsanitize=fuzzer")
    set_source_files_properties(${window_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
  endif()
  set(optimization -O3)
  if(CMAKE_C_FLAGS MATCHES "-fsanitize")
    set(optimization -O1)
  endif()
  # Vectors wider than the registers of a tier never cross a call, so their ABI does not matter.
  target_compile_options(${library} PRIVATE ${optimization} -fno-math-errno -Wno-psabi ${ARGN})
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
