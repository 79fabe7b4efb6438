# Joins kernel headers and sources (INPUTS, in that order) into one OpenCL source (OUTPUT), without their includes.
set(text "")
foreach(input ${INPUTS})
  file(READ ${input} part)
  string(REGEX REPLACE "#include \"[^\n]*\n" "" part "${part}")
  string(APPEND text "${part}\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
