# SIMD tiers of the CPU backend and of the CSV reader: these sources, compiled once per instruction set.
set(window_sources
    host/cpu/window_fold.c
    host/cpu/window_fold_counted.c
    host/cpu/window_fold_whole.c
    host/cpu/window_ops.c
    host/cpu/window_order.c
    host/cpu/window_scan.c)
set(tier_sources
    host/cpu/bars_join.c
    host/cpu/bars_ops.c
    host/cpu/images_ops.c
    host/cpu/ink_ops.c
    host/cpu/line_ops.c
    host/cpu/tier_ops.c
    host/io/plain_ops.c
    host/io/png_ops.c
    host/io/trades_plain_ops.c
    ${window_sources})

# The least tier, which every CPU has, is always built; beside it those of TALLOW_TIERS.
set(known_tiers "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(known_tiers avx2 avx512)
endif()
set(tiers ${TALLOW_TIERS})
if(TALLOW_TIERS STREQUAL "ALL")
  set(tiers ${known_tiers})
endif()
foreach(tier IN LISTS tiers)
  if(NOT tier IN_LIST known_tiers)
    list(JOIN known_tiers ", " names)
    message(FATAL_ERROR "TALLOW_TIERS names '${tier}': it must be ALL, empty or a list of tiers, which are, beside the "
                        "least, on ${CMAKE_SYSTEM_PROCESSOR}: ${names}")
  endif()
endforeach()

function(tallow_add_tier target name lanes)
  set(library tallow_tier_${name})
  add_library(${library} OBJECT ${tier_sources})
  target_link_libraries(${library} PRIVATE tallow_flags)
  target_compile_definitions(${library} PRIVATE TLK_LANES=${lanes} TLW_TIER=tlw_cpu_tier_${name}
                                                TLW_PLAIN_TIER=tlw_plain_tier_${name}
                                                TLW_TRADE_PLAIN_TIER=tlw_trade_plain_tier_${name}
                                                TLW_PNG_TIER=tlw_png_tier_${name} TLW_TIER_NAME="${name}"
                                                TLW_TIER_SUFFIX=${name})
  # Tracking variables through functions of this size takes longer than compiling them, and sanitizers far longer.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${library} PRIVATE -fno-var-tracking)
  endif()
  # Targets of the fuzzers read files; of the tiers only the reader's is for them, and windows take minutes to compile.
  if(CMAKE_C_FLAGS MATCHES "-fsanitize=fuzzer")
    set_source_files_properties(${window_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
  endif()
  # Every load of a window would be checked for its address twice, once by each sanitizer.
  if(CMAKE_C_FLAGS MATCHES "-fsanitize=address,undefined")
    set_source_files_properties(${window_sources} host/window/fold_state.c PROPERTIES COMPILE_OPTIONS
                                "-fno-sanitize=null,alignment,object-size,pointer-overflow")
  endif()
  set(optimization -O3)
  if(CMAKE_C_FLAGS MATCHES "-fsanitize" OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(optimization -O1)
    # Loops of which there are copies for the compiler to specialise: one will do.
    target_compile_definitions(${library} PRIVATE TLW_FEW_COPIES)
  endif()
  # Eight windows are four vectors there, which gcc keeps in memory unless it is told that they are worth registers: sums
  # then take 18 times as long.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND lanes EQUAL 2 AND optimization STREQUAL "-O3")
    target_compile_options(${library} PRIVATE --param=sra-max-scalarization-size-Ospeed=4096
                                              --param=max-completely-peeled-insns=5000)
    # Images have no such loops, and would take twenty times as long to compile, to be slower.
    set_source_files_properties(host/cpu/images_ops.c PROPERTIES COMPILE_OPTIONS
                                --param=max-completely-peeled-insns=200)
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
  if("avx2" IN_LIST tiers)
    tallow_add_tier(${target} avx2 4 -mavx2 -mbmi -mbmi2)
    target_compile_definitions(${target} PRIVATE TALLOW_WITH_AVX2)
  endif()
  if("avx512" IN_LIST tiers)
    tallow_add_tier(${target} avx512 8 -mbmi -mbmi2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
    target_compile_definitions(${target} PRIVATE TALLOW_WITH_AVX512)
  endif()
endfunction()
