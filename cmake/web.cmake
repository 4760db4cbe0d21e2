# Builds the page of web/ with npm and embeds it in the library of src/api.

option(ALOUD_WEB "Embed the page in the program; needs node and npm" ON)
if(ALOUD_WEB)
  find_program(ALOUD_NODE NAMES node nodejs)
  find_program(ALOUD_NPM npm)
  if(NOT ALOUD_NODE OR NOT ALOUD_NPM)
    message(STATUS "node or npm is not installed: building without the page")
    set(ALOUD_WEB OFF)
  endif()
endif()

# aloud_web(TARGET): nothing is done for it when nothing in web/ has changed.
function(aloud_web target)
  set(web ${CMAKE_SOURCE_DIR}/web)
  set(built ${CMAKE_BINARY_DIR}/web)
  set(pack ${CMAKE_BINARY_DIR}/web.pack)
  if(ALOUD_WEB)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
    set(installed ${web}/node_modules/.package-lock.json)
    add_custom_command(OUTPUT ${installed}
      COMMAND ${ALOUD_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
      COMMAND ${CMAKE_COMMAND} -E touch ${installed}
      DEPENDS ${web}/package.json ${web}/package-lock.json
      WORKING_DIRECTORY ${web} COMMENT "Installing what the page is built with")
    add_custom_command(OUTPUT ${pack}
      COMMAND ${CMAKE_COMMAND} -E env ALOUD_WEB_OUT=${built} ${ALOUD_NPM} run --silent build -- --logLevel warn
      COMMAND ${ALOUD_NODE} ${web}/pack.mjs ${built} ${pack}
      DEPENDS ${installed} ${sources} ${web}/index.html ${web}/pack.mjs ${web}/svelte.config.js ${web}/tsconfig.json
              ${web}/vite.config.ts
      WORKING_DIRECTORY ${web} COMMENT "Building the page")
  else()
    file(CONFIGURE OUTPUT ${pack} CONTENT "[]\n")
  endif()
  set(embedded ${CMAKE_SOURCE_DIR}/src/api/web_pack.S)
  target_sources(${target} PRIVATE ${embedded})
  set_source_files_properties(${embedded} PROPERTIES
    OBJECT_DEPENDS ${pack} COMPILE_DEFINITIONS ALOUD_WEB_PACK="${pack}")
endfunction()
