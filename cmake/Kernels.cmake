# The kernels under kernels/, embedded as OpenCL source and as a CUDA fat binary.

set(kernel_sources chart_merge chart_scale chart_columns chart_paint)
set(kernel_headers kernels/dialect.h kernels/core/real.h kernels/core/chart.h kernels/chart_args.h)
list(TRANSFORM kernel_sources PREPEND kernels/)
list(TRANSFORM kernel_sources APPEND .c)
list(TRANSFORM kernel_headers PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
list(TRANSFORM kernel_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
set(kernel_folder ${CMAKE_CURRENT_BINARY_DIR}/kernels)
file(MAKE_DIRECTORY ${kernel_folder})

function(tallow_check_choice name)
  if(NOT ${name} MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "${name} is '${${name}}': it must be AUTO, ON or OFF")
  endif()
endfunction()
tallow_check_choice(TALLOW_CUDA)
tallow_check_choice(TALLOW_OPENCL)

# Puts the bytes of a file into the target, between the symbols tlw_NAME_begin and tlw_NAME_end, a zero byte behind them.
function(tallow_embed target name file)
  set(assembler ${kernel_folder}/${name}.S)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embed.S.in ${assembler} @ONLY)
  set_source_files_properties(${assembler} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${assembler})
endfunction()

function(tallow_add_opencl target)
  find_path(TALLOW_OPENCL_INCLUDE_DIR CL/cl.h)
  mark_as_advanced(TALLOW_OPENCL_INCLUDE_DIR)
  if(NOT TALLOW_OPENCL_INCLUDE_DIR)
    if(TALLOW_OPENCL STREQUAL "ON")
      message(FATAL_ERROR "TALLOW_OPENCL is ON but CL/cl.h was not found: install opencl-c-headers")
    endif()
    message(STATUS "OpenCL backend: no (CL/cl.h was not found)")
    return()
  endif()
  message(STATUS "OpenCL backend: yes")
  set(source ${kernel_folder}/chart.cl)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} "-DINPUTS=${kernel_headers};${kernel_sources}" -DOUTPUT=${source} -P
            ${PROJECT_SOURCE_DIR}/cmake/Join.cmake
    DEPENDS ${kernel_headers} ${kernel_sources} ${PROJECT_SOURCE_DIR}/cmake/Join.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${source} host/gpu/device_opencl.c)
  target_compile_definitions(${target} PRIVATE TALLOW_WITH_OPENCL)
  target_include_directories(${target} SYSTEM PRIVATE ${TALLOW_OPENCL_INCLUDE_DIR})
  tallow_embed(${target} opencl_source ${source})
endfunction()

function(tallow_add_cuda target)
  target_sources(${target} PRIVATE host/gpu/device_cuda.c)
  target_compile_definitions(${target} PRIVATE TALLOW_WITH_CUDA)
  find_program(TALLOW_NVCC nvcc HINTS /usr/local/cuda/bin $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin)
  mark_as_advanced(TALLOW_NVCC)
  if(NOT TALLOW_NVCC)
    if(TALLOW_CUDA STREQUAL "ON")
      message(FATAL_ERROR "TALLOW_CUDA is ON but nvcc was not found: install the CUDA toolkit or set TALLOW_NVCC")
    endif()
    message(STATUS "CUDA backend: without kernels (nvcc was not found)")
    return()
  endif()
  execute_process(COMMAND ${TALLOW_NVCC} --version OUTPUT_VARIABLE text)
  string(REGEX MATCH "release ([0-9]+)\\.([0-9]+)" release "${text}")
  math(EXPR version "${CMAKE_MATCH_1} * 1000 + ${CMAKE_MATCH_2} * 10")
  message(STATUS "CUDA backend: yes, kernels by nvcc ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
  if(TALLOW_CUDA_PTX_ONLY)
    set(code -gencode=arch=compute_75,code=compute_75)
  else()
    set(code -gencode=arch=compute_75,code=[compute_75,sm_75] -gencode=arch=compute_120,code=[compute_120,sm_120])
    foreach(arch 80 90 100 110)
      list(APPEND code -gencode=arch=compute_${arch},code=sm_${arch})
    endforeach()
  endif()
  set(source ${kernel_folder}/chart.cu)
  set(includes "")
  foreach(kernel ${kernel_sources})
    string(APPEND includes "#include \"${kernel}\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${source} CONTENT "${includes}" @ONLY)
  set(flags --fmad=false -O3)
  set(image ${kernel_folder}/chart.fatbin)
  set(ptx ${kernel_folder}/chart.ptx)
  add_custom_command(
    OUTPUT ${image}
    COMMAND ${TALLOW_NVCC} -fatbin ${flags} ${code} -o ${image} ${source}
    DEPENDS ${source} ${kernel_headers} ${kernel_sources}
    VERBATIM COMMAND_EXPAND_LISTS)
  # For the test that looks for instructions that would change results.
  add_custom_command(
    OUTPUT ${ptx}
    COMMAND ${TALLOW_NVCC} -ptx ${flags} -arch=compute_75 -o ${ptx} ${source}
    DEPENDS ${source} ${kernel_headers} ${kernel_sources}
    VERBATIM)
  add_custom_target(tallow_ptx DEPENDS ${ptx})
  set(TALLOW_PTX_FILE ${ptx} PARENT_SCOPE)
  target_sources(${target} PRIVATE ${image})
  target_compile_definitions(${target} PRIVATE TALLOW_CUDA_VERSION=${version})
  tallow_embed(${target} cuda_image ${image})
endfunction()

macro(tallow_add_gpu target)
  if(NOT TALLOW_OPENCL STREQUAL "OFF")
    tallow_add_opencl(${target})
  endif()
  if(NOT TALLOW_CUDA STREQUAL "OFF")
    tallow_add_cuda(${target})
  endif()
  if(NOT TALLOW_OPENCL STREQUAL "OFF" OR NOT TALLOW_CUDA STREQUAL "OFF")
    target_sources(${target} PRIVATE host/gpu/backend.c host/gpu/cache.c host/gpu/chart.c host/gpu/selftest.c host/gpu/slots.c)
  endif()
endmacro()
