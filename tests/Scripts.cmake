# Tests by script, label tool. Where its tool can't be had a script ends with 77 and says what it lacks.

find_program(TALLOW_BASH bash REQUIRED)
set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/scripts)
set(script_environment
    "TALLOW_SOURCE=${PROJECT_SOURCE_DIR}"
    "TALLOW_BUILD=${PROJECT_BINARY_DIR}"
    "TALLOW_CC=${CMAKE_C_COMPILER}"
    "TALLOW_C_FLAGS=${CMAKE_C_FLAGS}"
    "TALLOW_GENERATOR=${CMAKE_GENERATOR}"
    "TALLOW_NVCC=${TALLOW_NVCC}"
    "TALLOW_PTX_FILE=${TALLOW_PTX_FILE}"
    "TALLOW_SOFTCUDA=${softcuda_folder}"
    "TALLOW_BIN=$<TARGET_FILE:tallow_cli>")

# tallow_script(name script [ARGUMENTS ...]): a bash or Python script of the folder scripts.
function(tallow_script name script)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "ARGUMENTS")
  set(program ${TALLOW_BASH})
  if(script MATCHES "py$")
    set(program ${TALLOW_PYTHON})
  endif()
  tallow_run(${name} ${program} ${scripts}/${script} ${arg_ARGUMENTS} LABEL tool MEMORY
             unlimited ENVIRONMENT
             ${script_environment} "TALLOW_WORK=${scratch}/${name}")
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

# On what this build made.
tallow_script(install install.sh)
tallow_script(readme readme.py)
tallow_script(pictures pictures.sh)
# Tests that hold the lock start the build in the folder of this build.
tallow_script(demo demo.sh)
tallow_script(gallery gallery.sh)
set_tests_properties(demo gallery PROPERTIES RESOURCE_LOCK build)
tallow_script(gpu_check gpu_check.sh)
set_tests_properties(gpu_check PROPERTIES RESOURCE_LOCK build)

# A sanitizer's build has tests enough; the rest would do the same in each build.
if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  tallow_script(setup setup.sh)
  tallow_script(format format.sh)
  tallow_script(headers headers.sh)
  if(NOT TALLOW_NVCC)
    message(STATUS "Tests cuda_api and ptx: to be skipped (nvcc was not found)")
  endif()
  tallow_script(cuda_api cuda_api.sh)
  tallow_script(ptx ptx.py)
  set_tests_properties(ptx PROPERTIES RESOURCE_LOCK build)
  tallow_script(neon neon.sh)
  tallow_script(valgrind valgrind.sh)
  tallow_script(numbers numbers.py)
  tallow_script(fuzz fuzz.sh)
  # Builds of their own, each on half the CPUs.
  tallow_script(warnings warnings.sh)
  tallow_script(static static.sh)
  tallow_script(backends_off backends_off.sh)
  tallow_script(asan sanitizers.sh ARGUMENTS asan)
  tallow_script(tsan sanitizers.sh ARGUMENTS tsan)
  cmake_host_system_information(RESULT cpus QUERY NUMBER_OF_LOGICAL_CORES)
  math(EXPR half "(${cpus} + 1) / 2")
  set_tests_properties(warnings static backends_off asan tsan fuzz PROPERTIES PROCESSORS ${half})
  # What takes longest begins first, so that no CPU waits for it at the end.
  set(cost 100)
  foreach(name bench_cli runs faults_timed_software_cuda faults_software_cuda neon gpu_check cli warnings fuzz valgrind tsan
               asan)
    math(EXPR cost "${cost} + 100")
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endforeach()
endif()

# For every test above: what sanitizers must pass over, and that memory which is not to be had is NULL as without them.
get_property(tests DIRECTORY PROPERTY TESTS)
set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT
             "ASAN_OPTIONS=allocator_may_return_null=1"
             "LSAN_OPTIONS=suppressions='${scripts}/lsan.supp':print_suppressions=0"
             "TSAN_OPTIONS=allocator_may_return_null=1:suppressions='${scripts}/tsan.supp'")
