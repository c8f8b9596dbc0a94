# Toolchain file for another Linux architecture: this machine's clang, that one's headers and libraries (deploy/image/cross.sh lays
# them out).
#
#   cmake --preset release -B build/arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/cross.cmake -DCROSS_TRIPLE=aarch64-linux-gnu -DCROSS_SYSROOT=/…
foreach(given CROSS_TRIPLE CROSS_SYSROOT)
  if(NOT DEFINED ${given})
    message(FATAL_ERROR "cross.cmake: -D${given}=… is missing; deploy/image/cross.sh gives it")
  endif()
endforeach()
# What is tried while CMake looks around is a project of its own, and reads this file as well.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CROSS_TRIPLE CROSS_SYSROOT)

string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${CROSS_TRIPLE})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSROOT ${CROSS_SYSROOT})
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_COMPILER_TARGET ${CROSS_TRIPLE})
set(CMAKE_LIBRARY_ARCHITECTURE ${CROSS_TRIPLE})
# The strip of this machine may not know that architecture.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld -s")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
