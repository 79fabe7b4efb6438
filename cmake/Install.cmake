# What "cmake --install" lays down: library, headers, CMake package and pkg-config file; man page and completions.

install(TARGETS tallow EXPORT tallow)
install(DIRECTORY include/tallow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Tallow)
install(EXPORT tallow NAMESPACE Tallow:: FILE TallowTargets.cmake DESTINATION ${package})
configure_package_config_file(cmake/TallowConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/TallowConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/TallowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/TallowConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/TallowConfigVersion.cmake
        DESTINATION ${package})

# The prefix is told relative to the file, so that it holds for "cmake --install --prefix" and where the tree is moved.
string(REGEX REPLACE "[^/]+" ".." up_from_libdir ${CMAKE_INSTALL_LIBDIR})
configure_file(cmake/tallow.pc.in ${CMAKE_CURRENT_BINARY_DIR}/tallow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tallow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# tallow_install_texts(command): its man page and completions, as the command itself prints them, which must run here.
function(tallow_install_texts command)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "Man page and completions: left out, for the command does not run on this machine")
    return()
  endif()
  set(texts "")
  foreach(text "help --man:tallow.1:${CMAKE_INSTALL_MANDIR}/man1"
               "completion bash:tallow:${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions"
               "completion zsh:_tallow:${CMAKE_INSTALL_DATAROOTDIR}/zsh/site-functions"
               "completion fish:tallow.fish:${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d")
    string(REPLACE ":" ";" text "${text}")
    list(GET text 0 arguments)
    list(GET text 1 name)
    list(GET text 2 folder)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/texts/${name})
    add_custom_command(
      OUTPUT ${file}
      COMMAND ${CMAKE_COMMAND} "-DPROGRAM=${CMAKE_CROSSCOMPILING_EMULATOR};$<TARGET_FILE:${command}>"
              "-DARGUMENTS=${arguments}" "-DFILE=${file}" -P ${PROJECT_SOURCE_DIR}/cmake/Print.cmake
      DEPENDS ${command} ${PROJECT_SOURCE_DIR}/cmake/Print.cmake
      VERBATIM)
    install(FILES ${file} DESTINATION ${folder})
    list(APPEND texts ${file})
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/texts)
  add_custom_target(${command}_texts ALL DEPENDS ${texts})
endfunction()
