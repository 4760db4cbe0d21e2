# Turns a folder of src/ into a library and its *_test.cc files into one test program.

find_program(ALOUD_CCACHE ccache)
if(ALOUD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${ALOUD_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ALOUD_CCACHE})
endif()
# Several files of a target are compiled as one: most of the time goes into headers and templates that they share. What
# is private to a file has a name of its own in its folder. Without, a change compiles less, and `./test --long includes`
# finds a missing #include.
option(ALOUD_UNITY "Compile several files at once" ON)

# aloud_unity(TARGET)
function(aloud_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${ALOUD_UNITY} UNITY_BUILD_BATCH_SIZE 8)
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

# GCC 12 warns wrongly of strings that fmt writes (stringop-overflow), and takes files that are compiled together for
# headers, whose types must not hold private ones (subobject-linkage).
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -Wno-stringop-overflow
                    -Wno-subobject-linkage)
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
  cmake_parse_arguments(LAYER "COMPUTES;ISAS" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(options "")
  if(ALOUD_SANITIZE AND NOT LAYER_COMPUTES)
    set(options -O0)  # compiles in half the time
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  foreach(source ${sources} ${tests})
    if(source MATCHES "_avx2\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVX2_FLAGS}")
    elseif(source MATCHES "_avxvnni\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVXVNNI_FLAGS}")
    elseif(source MATCHES "_avx512(_test)?\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ALOUD_AVX512_FLAGS}")
    endif()
  endforeach()
  list(TRANSFORM LAYER_DEPENDS PREPEND aloud_)
  if(sources)
    add_library(aloud_${name} STATIC ${sources})
    target_compile_options(aloud_${name} PRIVATE ${options})
    if(NOT LAYER_ISAS)
      aloud_unity(aloud_${name})
    endif()
    set(scope PUBLIC)
  else()
    add_library(aloud_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(aloud_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(aloud_${name} ${scope} ${LAYER_DEPENDS} ${LAYER_LIBRARIES})
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
  if(ALOUD_SANITIZE AND NOT LAYER_COMPUTES)
    set(options -O0)
  endif()
  target_compile_options(${name}_test PRIVATE ${options})
  aloud_unity(${name}_test)
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
  aloud_unity(aloud_cli)
  add_executable(${name} ${CMAKE_SOURCE_DIR}/src/cli/main.cc)
  target_link_libraries(${name} PRIVATE aloud_cli)
  target_compile_definitions(aloud_cli PRIVATE ALOUD_VERSION="${PROJECT_VERSION}")
  install(TARGETS ${name} RUNTIME)
  aloud_tests(cli "${tests}" aloud_cli)
endfunction()
