# cmake -DPROGRAM=... -DARGUMENTS=... -DFILE=... -P Print.cmake: what a program prints, as a file.
separate_arguments(ARGUMENTS UNIX_COMMAND "${ARGUMENTS}")
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} OUTPUT_FILE ${FILE} COMMAND_ERROR_IS_FATAL ANY)
