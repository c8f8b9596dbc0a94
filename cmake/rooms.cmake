# The rooms, bottom first, and what each may include besides itself. A new arrow is a visible change of this table;
# test/structure/includes.py holds every #include to it.
#
#       room                may include (rooms; "…" lists are closed, not transitive)
set(ROOM_TABLE
  "kube/base:"
  "kube/async:            kube/base"
  "kube/core:             kube/base"
  "kube/http:             kube/base kube/async"
  "kube/client:           kube/base kube/async kube/core kube/http"
  "kube/runtime:          kube/base kube/async kube/core kube/http kube/client"
  "kube/examples:         kube/base kube/async kube/core kube/http kube/client kube/runtime"
  "kube/admission:        kube/base kube/async kube/core kube/http kube/client"
  "kube/apiserver:        kube/base kube/async kube/core kube/http"
  "kube/kubelet:          kube/base kube/async kube/core kube/http kube/client kube/runtime"
  "api:                   kube/base kube/core"
  "spark:                 kube/base kube/core api"
  "controller:            kube/base kube/async kube/core kube/http kube/client kube/runtime api spark"
  "webhook:               kube/base kube/async kube/core kube/http kube/client kube/runtime kube/admission api spark"
  "cmd:                   kube/base kube/async kube/core kube/http kube/client kube/runtime kube/admission kube/apiserver kube/kubelet api spark controller webhook"
  "cmd/ctl:              kube/base kube/async kube/core kube/http kube/client kube/runtime kube/admission kube/apiserver kube/kubelet api spark controller webhook cmd"
  "test:                  kube/base kube/async kube/core kube/http kube/client kube/runtime kube/admission kube/apiserver kube/kubelet api spark controller webhook cmd cmd/ctl"
  "bench:                 kube/base kube/async kube/core kube/http kube/client kube/runtime kube/admission kube/apiserver kube/kubelet api spark controller webhook"
)

# The only files that may include Beast and TLS streams: one of them costs up to half a minute of compile time, so there
# are at most five, all .cc.
set(HEAVY_SOURCES
  kube/http/wire.cc)

# The files besides those that may include <openssl/…>: digests, keys and certificates. Its macros and C types stay out
# of every other header.
set(CRYPTO_SOURCES
  kube/http/openssl.h kube/http/openssl.cc kube/http/tls.cc kube/http/certificate.cc kube/http/websocket.cc
  kube/apiserver/token.cc
  api/digest.cc)

get_filename_component(ROOMS_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

# room(kube::runtime HEADERS … SOURCES … USES kube::client LINKS spdlog::spdlog TESTS …)
#
# One library from SOURCES (header-only when there are none), headers as a file set so that each is also compiled
# alone, one test executable from TESTS, registered with ctest under the room's name. USES names rooms, LINKS names
# libraries that only this room's .cc files see. DATA lists files that the tests read (made known as TEST_DATA_DIR).
function(room name)
  cmake_parse_arguments(ROOM "" "" "HEADERS;SOURCES;USES;LINKS;PUBLIC_LINKS;TESTS;TEST_LINKS" ${ARGN})
  string(REPLACE "::" "_" target ${name})
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${ROOM_LINKS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  if(NOT name STREQUAL target)
    add_library(${name} ALIAS ${target})
  endif()
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${ROOMS_ROOT} FILES ${ROOM_HEADERS})
  target_include_directories(${target} ${scope} ${ROOMS_ROOT})
  target_link_libraries(${target} ${scope} ${ROOM_USES} ${ROOM_PUBLIC_LINKS} Threads::Threads)
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  if(ROOM_TESTS)
    add_executable(${target}_test ${ROOM_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} ${ROOM_LINKS} ${ROOM_TEST_LINKS} catch_main)
    target_compile_definitions(${target}_test PRIVATE SOURCE_DIR="${ROOMS_ROOT}")
    add_test(NAME ${name} COMMAND ${target}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
endfunction()

# Adds the wanted rooms' folders, with all that they may include, in the table's order.
function(add_rooms wanted)
  if(NOT TARGET catch_main)
    # Catch2's own code, not ours: unoptimised and without sanitizers it compiles in half the time.
    add_library(catch_main STATIC ${ROOMS_ROOT}/cmake/catch_main.cc)
    target_compile_options(catch_main PRIVATE -O0 -fno-sanitize=all)
  endif()
  foreach(row IN LISTS ROOM_TABLE)
    string(REGEX REPLACE ":.*" "" room ${row})
    string(REGEX REPLACE "^[^:]*: *" "" below ${row})
    separate_arguments(below)
    if(room IN_LIST wanted)
      list(APPEND wanted ${below})
    endif()
  endforeach()
  foreach(row IN LISTS ROOM_TABLE)
    string(REGEX REPLACE ":.*" "" room ${row})
    if((NOT wanted OR room IN_LIST wanted) AND EXISTS ${ROOMS_ROOT}/${room}/CMakeLists.txt)
      add_subdirectory(${ROOMS_ROOT}/${room} ${CMAKE_BINARY_DIR}/${room})
    endif()
  endforeach()
endfunction()
