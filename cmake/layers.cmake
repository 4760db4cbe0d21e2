# Turns a folder of src/ into a library and its *_test.cc files into one test program.

find_program(ALOUD_CCACHE ccache)
if(ALOUD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${ALOUD_CCACHE})
  # Precompiled headers are cached only with this.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ALOUD_CCACHE})
endif()
# The large headers are read once for all targets of a kind, which have the same options. `./test --long includes` builds
# without, so that a missing #include is found.
option(ALOUD_PRECOMPILE "Precompile the large headers" ON)
set(ALOUD_LARGE_HEADERS <nlohmann/json.hpp> <fmt/format.h> <functional> <map> <memory> <mutex> <optional> <string>
    <thread> <tl/expected.hpp> <variant> <vector>)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cc CONTENT "")

# aloud_precompile(TARGET KIND OPTIONS HEADER...): the first target of a kind tells what the others are compiled with too.
function(aloud_precompile target kind options)
  if(NOT ALOUD_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET headers_${kind})
    get_target_property(libraries ${target} LINK_LIBRARIES)
    add_library(headers_${kind} OBJECT ${CMAKE_BINARY_DIR}/headers.cc)
    target_link_libraries(headers_${kind} PRIVATE ${libraries})
    target_compile_options(headers_${kind} PRIVATE ${options} -fpch-preprocess)
    target_precompile_headers(headers_${kind} PRIVATE ${ARGN})
  endif()
  # GCC 12 takes the standard library's strings for the project's when they are precompiled, and warns of them wrongly.
  target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-stringop-overflow -Wno-restrict)
  target_precompile_headers(${target} REUSE_FROM headers_${kind})
endfunction()

find_program(ALOUD_MOLD mold)
if(ALOUD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Sanitizers are chosen by preset: ALOUD_SANITIZE is a list for -fsanitize=, such as address,undefined.
set(ALOUD_SANITIZE "" CACHE STRING "Sanitizers to build with")
if(ALOUD_SANITIZE)
  add_compile_options(-fsanitize=${ALOUD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ALOUD_SANITIZE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
# Rounding must not depend on the compiler's mood: a*b+c is fused only where the source says so.
add_compile_options(-ffp-contract=off)
# What the program says about its source names files from here on, wherever it was built.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)

# Kernels come in one file per instruction set; the suffix of the name chooses the flags.
set(ALOUD_AVX2_FLAGS -mavx2 -mfma -mf16c -mbmi2)
set(ALOUD_AVXVNNI_FLAGS ${ALOUD_AVX2_FLAGS} -mavxvnni)
set(ALOUD_AVX512_FLAGS -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c -mbmi2
    -mprefer-vector-width=512
    # GCC 12 warns about the undefined operands inside its own AVX-512 header.
    -Wno-uninitialized -Wno-maybe-uninitialized)

function(aloud_layer name)
  cmake_parse_arguments(LAYER "COMPUTES;LARGE_HEADERS" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(options "")
  set(kind optimised)
  if(ALOUD_SANITIZE AND NOT LAYER_COMPUTES)
    set(options -O0)  # compiles in half the time
    set(kind plain)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  foreach(source ${sources})
    if(source MATCHES "_avx2\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVX2_FLAGS}")
    elseif(source MATCHES "_avxvnni\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVXVNNI_FLAGS}")
    elseif(source MATCHES "_avx512\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVX512_FLAGS}")
    endif()
  endforeach()
  list(TRANSFORM LAYER_DEPENDS PREPEND aloud_)
  if(sources)
    add_library(aloud_${name} STATIC ${sources})
    target_compile_options(aloud_${name} PRIVATE ${options})
    set(scope PUBLIC)
  else()
    add_library(aloud_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(aloud_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(aloud_${name} ${scope} ${LAYER_DEPENDS} ${LAYER_LIBRARIES})
  if(LAYER_LARGE_HEADERS)
    aloud_precompile(aloud_${name} ${kind} "${options}" ${ALOUD_LARGE_HEADERS})
  endif()
  aloud_tests(${name} "${tests}" aloud_${name})
endfunction()

# One test program per folder; every TEST in it becomes a ctest entry.
function(aloud_tests name sources library)
  if(NOT ALOUD_TESTS OR NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE ${library} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name}_test PRIVATE ALOUD_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
  # What tests do themselves is little; instrumented and optimised it takes twice as long to compile.
  set(options -O1)
  set(kind optimised)
  if(ALOUD_SANITIZE AND NOT LAYER_COMPUTES)
    set(options -O0)
    set(kind plain)
  endif()
  target_compile_options(${name}_test PRIVATE ${options})
  aloud_precompile(${name}_test ${kind}_tests "${options}" <gtest/gtest.h> ${ALOUD_LARGE_HEADERS})
  include(GoogleTest)
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}/" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
endfunction()

# src/cli is the program: its commands are a library (so that tests can call them) and main.cc.
function(aloud_program name)
  cmake_parse_arguments(PROGRAM "" "" "DEPENDS" ${ARGN})
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/cli/default_model.S PROPERTIES
    OBJECT_DEPENDS ${CMAKE_SOURCE_DIR}/models/default.gguf
    COMPILE_DEFINITIONS ALOUD_DEFAULT_MODEL="${CMAKE_SOURCE_DIR}/models/default.gguf")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/cli/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  list(TRANSFORM PROGRAM_DEPENDS PREPEND aloud_)
  add_library(aloud_cli STATIC ${sources} ${CMAKE_SOURCE_DIR}/src/cli/default_model.S)
  set(options "")
  if(ALOUD_SANITIZE)
    set(options -O0)
  endif()
  target_compile_options(aloud_cli PRIVATE ${options})
  target_link_libraries(aloud_cli PUBLIC ${PROGRAM_DEPENDS} nlohmann_json::nlohmann_json CLI11::CLI11 edit)
  aloud_precompile(aloud_cli commands "${options}" <CLI/CLI.hpp> ${ALOUD_LARGE_HEADERS})
  add_executable(${name} ${CMAKE_SOURCE_DIR}/src/cli/main.cc)
  target_link_libraries(${name} PRIVATE aloud_cli)
  target_compile_definitions(aloud_cli PRIVATE ALOUD_VERSION="${PROJECT_VERSION}")
  install(TARGETS ${name} RUNTIME)
  aloud_tests(cli "${tests}" aloud_cli)
endfunction()
