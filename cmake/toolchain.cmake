# Compiler, warnings, sanitizers and launcher, said once for every room.

# Asio coroutines on clang 16 keep a thread-local address across a suspension and crash; g++ 12 refuses or
# miscompiles common co_await statements. Both are refused here rather than debugged later.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles common co_await statements; use clang 19 (CXX=clang++-19) or GCC 13")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines that use thread-local state; use clang 19 (CXX=clang++-19)")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  # The same source is one cache entry whichever build folder (NOHASHDIR) and whichever clone (BASEDIR) it is compiled
  # in. Precompiled headers would end that: they hold absolute paths, and save little beside a cache that hits.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_CURRENT_SOURCE_DIR} ${CCACHE})
endif()

set(SANITIZE "none" CACHE STRING "Sanitizers: address (with undefined), thread or none")
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-unused-parameter
                    -gline-tables-only -fno-omit-frame-pointer)
option(WARNINGS_AS_ERRORS "Treat warnings as errors" ON)
if(WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
endif()
add_link_options(-fuse-ld=lld)

# A submission makes some 2,000 small objects and drops them: with jemalloc that takes about two thirds of the time that it
# takes with glibc's malloc (bench/run.sh micro). Linked in, so that no image has to carry it; sanitizers bring their own.
add_library(allocator INTERFACE)
if(SANITIZE STREQUAL "none")
  find_library(JEMALLOC jemalloc_pic REQUIRED)
  target_link_libraries(allocator INTERFACE ${JEMALLOC})
endif()

# One spelling of the Asio configuration for every room: std::coroutine only, no deprecated surface.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_BEAST_USE_STD_STRING_VIEW
                        BOOST_ERROR_CODE_HEADER_ONLY)

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(date REQUIRED)
find_package(prometheus-cpp REQUIRED)
