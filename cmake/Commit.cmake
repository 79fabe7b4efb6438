# cmake -DSOURCE=folder -DFILE=commit.h -P Commit.cmake: which commit is built, for the records of benchmarks. The file is
# written only where it changes. TALLOW_COMMIT names the commit where the sources lie outside a git checkout.
set(commit "$ENV{TALLOW_COMMIT}")
if(NOT commit)
  find_program(git git)
  if(git)
    execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty=+ --exclude * OUTPUT_VARIABLE commit
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT commit MATCHES "^[0-9A-Za-z.+_-]+$")
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${FILE} CONTENT "#define BENCH_COMMIT \"${commit}\"\n")
