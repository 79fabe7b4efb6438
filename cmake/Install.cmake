# What "cmake --install" lays down: library, headers, CMake package and pkg-config file.

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
