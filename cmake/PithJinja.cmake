# The template engine: the Rust crate of src/jinja/crate, built by cargo into the build folder. PITH_JINJA is AUTO
# (built if cargo is there and its crates are fetched or can be), ON (required) or OFF. Sets PITH_HAS_JINJA, and with it
# PITH_JINJA_OBJECT, the engine as one object file.
set(PITH_JINJA AUTO CACHE STRING "Render the models' own chat templates (takes cargo): AUTO, ON or OFF")
set_property(CACHE PITH_JINJA PROPERTY STRINGS AUTO ON OFF)
set(PITH_HAS_JINJA OFF)
set(pith_crate ${PROJECT_SOURCE_DIR}/src/jinja/crate)
set(pith_jinja_why "")

if(NOT PITH_JINJA STREQUAL "OFF" AND CMAKE_CROSSCOMPILING)
  set(pith_jinja_why "it is not built for another processor")
elseif(NOT PITH_JINJA STREQUAL "OFF")
  find_program(PITH_CARGO cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin)
  set(cargo_version "")
  if(PITH_CARGO)
    execute_process(COMMAND ${PITH_CARGO} --version OUTPUT_VARIABLE cargo_version ERROR_QUIET)
    string(REGEX MATCH "[0-9]+[.][0-9]+[.][0-9]+" cargo_version "${cargo_version}")
  endif()
  if(NOT PITH_CARGO)
    set(pith_jinja_why "cargo was not found")
  elseif(cargo_version VERSION_LESS 1.85)
    set(pith_jinja_why "${PITH_CARGO} is of version '${cargo_version}', and 1.85 is needed")
  else()
    # Fetched once; later builds need no network.
    execute_process(COMMAND ${PITH_CARGO} fetch --locked --offline --manifest-path ${pith_crate}/Cargo.toml
      RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    if(NOT result EQUAL 0)
      execute_process(COMMAND ${PITH_CARGO} fetch --locked --manifest-path ${pith_crate}/Cargo.toml
        TIMEOUT 120 RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE error)
    endif()
    if(NOT result EQUAL 0)
      set(pith_jinja_why "cargo could not fetch the crates of src/jinja/crate/Cargo.lock: ${error}")
    endif()
  endif()
endif()

if(PITH_JINJA STREQUAL "OFF")
  message(STATUS "chat templates: the seven built-in formats (PITH_JINJA is OFF)")
elseif(pith_jinja_why AND PITH_JINJA STREQUAL "ON")
  message(FATAL_ERROR "PITH_JINJA is ON, but ${pith_jinja_why}")
elseif(pith_jinja_why)
  message(STATUS "chat templates: the seven built-in formats (${pith_jinja_why})")
else()
  set(PITH_HAS_JINJA ON)
  message(STATUS "chat templates: Jinja, built by ${PITH_CARGO}")
  # Build folders that name the same one in cargo's own variable share what cargo has built.
  set(pith_cargo_dir ${PROJECT_BINARY_DIR}/jinja)
  if(DEFINED ENV{CARGO_TARGET_DIR})
    set(pith_cargo_dir $ENV{CARGO_TARGET_DIR})
  endif()
  set(pith_jinja_archive ${pith_cargo_dir}/release/libpith_jinja.a)
  set(PITH_JINJA_OBJECT ${PROJECT_BINARY_DIR}/jinja/pith_jinja.o)
  set(functions pith_jinja_compile pith_jinja_render pith_jinja_free pith_jinja_free_text)
  set(pith_remapped "--remap-path-prefix=$ENV{HOME}=~ --remap-path-prefix=${PROJECT_SOURCE_DIR}=.")
  list(TRANSFORM functions PREPEND "-u;" OUTPUT_VARIABLE wanted)
  list(TRANSFORM functions PREPEND "--keep-global-symbol=" OUTPUT_VARIABLE kept)
  file(GLOB pith_crate_sources CONFIGURE_DEPENDS ${pith_crate}/*.rs)
  # Rust's archive becomes one object in which only the C interface is global: it goes into either library like the
  # other objects, and a program that links another Rust archive does not meet the same runtime twice.
  add_custom_command(OUTPUT ${PITH_JINJA_OBJECT}
    COMMAND ${CMAKE_COMMAND} -E env "RUSTFLAGS=${pith_remapped}"
            ${PITH_CARGO} build --release --locked --offline --quiet
            --manifest-path ${pith_crate}/Cargo.toml --target-dir ${pith_cargo_dir}
    COMMAND ${CMAKE_LINKER} -r --gc-sections --strip-debug ${wanted} ${pith_jinja_archive} -o ${PITH_JINJA_OBJECT}
    # What collected sections asked of newer C libraries would stay as undefined symbols: --strip-unneeded.
    COMMAND ${CMAKE_OBJCOPY} ${kept} --strip-unneeded --remove-section=.llvmbc --remove-section=.llvmcmd
            ${PITH_JINJA_OBJECT}
    DEPENDS ${pith_crate_sources} ${pith_crate}/Cargo.toml ${pith_crate}/Cargo.lock
    COMMENT "Building the template engine" VERBATIM)
  add_custom_target(pith_jinja DEPENDS ${PITH_JINJA_OBJECT})
endif()
